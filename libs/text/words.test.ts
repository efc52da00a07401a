import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { normaliseName } from './normalise.js';
import { searchWords, wordSpans } from './words.js';

const surfaces = (text: string) => wordSpans(text).map(({ start, end }) => text.slice(start, end));

test('words end where the normal form has a space', () => {
  expect(surfaces('The file_name of «Zürich-HB» 😀 cafe\u0301!')).toEqual([
    'The',
    'file',
    'name',
    'of',
    'Zürich',
    'HB',
    'cafe\u0301',
  ]);
});

test('the normal form of a run of words is the join of their normal forms', () => {
  const character = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('a', 'B', ' ', '_', '\u0301', '⑴', '½', '™', 'ß', '\ud800', '\udc00', '東'),
  );
  fc.assert(
    fc.property(fc.array(character, { maxLength: 30 }), (characters) => {
      const text = characters.join('');
      const spans = wordSpans(text);
      const first = spans.at(0);
      const last = spans.at(-1);
      if (first === undefined || last === undefined) return;
      const joined = spans.map(({ start, end }) => normaliseName(text.slice(start, end))).join(' ');
      expect(joined).toBe(normaliseName(text.slice(first.start, last.end)));
    }),
  );
});

test('search words keep underscores and fold case', () => {
  expect(searchWords('The Straße of MAX_PATH, ﬁne')).toEqual([
    'the',
    'strasse',
    'of',
    'max_path',
    'fine',
  ]);
});
