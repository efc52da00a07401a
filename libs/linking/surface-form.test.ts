import { describe, expect, test } from '@jest/globals';
import { normaliseName } from '../text/normalise.js';
import { surfaceForm } from './surface-form.js';

const word = (spelling: string, opensSentence = false) => ({
  spelling,
  form: normaliseName(spelling),
  opensSentence,
  isShouted: false,
});

describe('surfaceForm', () => {
  test.each([
    ['phrase', [word('new'), word('york')], 'new york'],
    ['coded', [word('IBM')], 'IBM'],
    ['coded', [word('iPhone')], 'iPhone'],
    ['coded', [word('p53')], 'p53'],
    ['coded', [word('C')], 'C++'],
    ['capitalised', [word('Paris')], 'Paris'],
    ['sentence-start', [word('Paris', true)], 'Paris'],
    ['plain', [word('python')], 'python'],
  ])('%s: %j', (form, words, surface) => {
    expect(surfaceForm(words, surface)).toBe(form);
  });
});
