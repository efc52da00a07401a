import { expect, test } from '@jest/globals';
import { baseForms, normaliseName } from './normalise.js';

// Expected values come from the reference implementation (Python 3.11, unicodedata 14).
test.each([
  ['Array.prototype.map()', 'array prototype map'],
  ['Zürich (HB)', 'zurich hb'],
  ['  snake_case__name ', 'snake case name'],
  ['Straße', 'strasse'],
  ['ΟΔΟΣ', 'οδοσ'],
  ['e\u0301tude', 'etude'],
  ['ﬁne ①½ ™', 'fine 11 2 tm'],
  ['İstanbul', 'istanbul'],
  ['東京 タワー', '東京 タワー'],
  ['हिन्दी', 'ह नद'],
  ['한국어', '한국어'.normalize('NFD')],
  ['Ꭰꭰ', 'ᎠᎠ'],
  ['A\u0000B\ud800C', 'a b c'],
  [' ++ ', '++'],
  ['😀', '😀'],
  ['', ''],
])('%j has the normal form %j', (name, form) => {
  expect(normaliseName(name)).toBe(form);
});

test('the normal form of a normal form is itself', () => {
  const form = normaliseName('Ærøskøbing — ÅÄÖ ½ (№ 5)');
  expect(normaliseName(form)).toBe(form);
});

test('base forms are the name, then its naive stems in order of likelihood', () => {
  expect(baseForms('cities')).toEqual(['cities', 'city', 'citi', 'citie']);
  expect(baseForms('running')).toEqual(['running', 'runn', 'runne', 'run']);
  expect(baseForms('stunned')).toEqual(['stunned', 'stunn', 'stunne', 'stunne', 'stun']);
  expect(baseForms('map')).toEqual(['map']);
});
