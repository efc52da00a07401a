import { describe, expect, test } from '@jest/globals';
import { shippedTokenizer } from '../../test/support/golden.js';
import { Tags } from './tags.js';

const TEXT = 'The New York Times wrote of Paris.';
const pieces = shippedTokenizer.tokenize(TEXT);
const PIECES = ['the', 'new', 'york', 'times', 'wrote', 'of', 'paris', '.'];

type Row = readonly [outside: number, begins: number, goesOn: number];
const OUTSIDE: Row = [1, 0, 0];

/** Tags with the given rows, all other pieces being outside. */
function tags(rows: Readonly<Record<string, Row>>): Tags {
  return new Tags(TEXT, pieces, Float32Array.from(PIECES.flatMap((name) => rows[name] ?? OUTSIDE)));
}

const surfaces = (found: Tags, begin = 0.2, inside = [0.5]) =>
  found.spans({ begin, inside }).map(({ start, end }) => TEXT.slice(start, end));
const spanOf = (surface: string) => {
  const start = TEXT.indexOf(surface);
  return { start, end: start + surface.length };
};

describe('spans', () => {
  test('from a beginning as long as it goes on', () => {
    const found = tags({ new: [0, 1, 0], york: [0, 0, 1], times: [0.1, 0, 0.9], paris: [0, 1, 0] });
    expect(surfaces(found)).toEqual(['New York Times', 'Paris']);
  });

  test('a doubtful beginning counts from the threshold on', () => {
    const found = tags({ paris: [0.7, 0.3, 0] });
    expect(surfaces(found, 0.2)).toEqual(['Paris']);
    expect(surfaces(found, 0.4)).toEqual([]);
  });

  test('a doubtful end gives two spans', () => {
    const found = tags({ new: [0, 1, 0], york: [0, 0, 1], times: [0.7, 0, 0.3] });
    expect(surfaces(found, 0.2, [0.5, 0.2])).toEqual(['New York', 'New York Times']);
  });

  test('what goes on without a beginning begins there', () => {
    expect(surfaces(tags({ york: [0, 0.1, 0.9] }))).toEqual(['York']);
  });
});

describe('probabilities', () => {
  const found = tags({ new: [0.1, 0.9, 0], york: [0.2, 0, 0.8], times: [0.7, 0.1, 0.2] });

  test('of exactly a span: that it begins, goes on and ends', () => {
    expect(found.exactly(spanOf('New York'))).toBeCloseTo(0.9 * 0.8 * 0.8);
    expect(found.exactly(spanOf('New York Times'))).toBeCloseTo(0.9 * 0.8 * 0.2);
    expect(found.exactly(spanOf('Paris'))).toBe(0);
  });

  test('of being in some mention: the mean', () => {
    expect(found.inside(spanOf('New York'))).toBeCloseTo(0.85);
  });

  test('a span of no piece is no mention', () => {
    expect(found.exactly({ start: 3, end: 4 })).toBe(0);
    expect(found.inside({ start: 3, end: 4 })).toBe(0);
  });
});
