import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chunksOf, sentenceEnds } from './chunks.js';

const sentences = (text: string) => {
  const ends = [0, ...sentenceEnds(text)];
  return ends.slice(1).map((end, at) => text.slice(ends[at], end));
};

describe('sentenceEnds', () => {
  test.each([
    ['One. Two! "Three?" Four', ['One.', ' Two!', ' "Three?"', ' Four']],
    ['Dr. No met J. R. Ewing in St. Louis. Then he left.', 2],
    ['a list\nof lines\nNext', ['a list\nof lines\n', 'Next']],
    ['', []],
  ])('%j', (text, expected) => {
    const found = sentences(text);
    expect(typeof expected === 'number' ? found.length : found).toEqual(expected);
  });
});

describe('chunksOf', () => {
  test('sentences are gathered up to the limit and not cut', () => {
    const text = 'Aaa bbb. Ccc ddd. Eee fff.';
    const chunks = [...chunksOf(text, 18)].map(({ start, end }) => text.slice(start, end));
    expect(chunks).toEqual(['Aaa bbb. Ccc ddd.', ' Eee fff.']);
  });

  test('a long sentence is cut at white space', () => {
    const text = 'one two three four five six';
    const chunks = [...chunksOf(text, 10)].map(({ start, end }) => text.slice(start, end));
    expect(chunks).toEqual(['one two ', 'three ', 'four five ', 'six']);
  });

  test('any text is covered without gap, overlap, overlength or a broken character', () => {
    const unit = fc.constantFrom(
      'a',
      'B',
      ' ',
      '.',
      '\n',
      '\r\n',
      '🐍',
      '👩‍🚀',
      'é',
      '\u0000',
      '\u200f',
    );
    fc.assert(
      fc.property(
        fc.array(unit, { maxLength: 80 }),
        fc.integer({ min: 4, max: 20 }),
        (units, max) => {
          const text = units.join('');
          let last = 0;
          for (const { start, end } of chunksOf(text, max)) {
            expect(start).toBe(last);
            expect(end).toBeGreaterThan(start);
            expect(end - start).toBeLessThanOrEqual(max);
            expect(text.slice(start, end)).not.toMatch(/\p{Cs}/u);
            last = end;
          }
          expect(last).toBe(text.length);
        },
      ),
    );
  });
});
