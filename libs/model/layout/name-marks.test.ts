import { expect, test } from '@jest/globals';
import { shippedTokenizer } from '../../../test/support/golden.js';
import { nameMarks } from './name-marks.js';

const TEXT = 'In New York Minster now';
const pieces = shippedTokenizer.tokenize(TEXT);
const spanOf = (surface: string) => {
  const start = TEXT.indexOf(surface);
  return { start, end: start + surface.length };
};

test('the first piece of a name and the others', () => {
  const marks = [...nameMarks(pieces, [spanOf('New York')])];
  expect(marks.slice(0, 4)).toEqual([0, 1, 2, 0]);
  expect(marks.at(-1)).toBe(0);
});

test('where names overlap, a beginning stays one', () => {
  const names = [spanOf('New York'), spanOf('York Minster')];
  const expected = [0, 1, 1, 2];
  expect([...nameMarks(pieces, names)].slice(0, 4)).toEqual(expected);
  expect([...nameMarks(pieces, names.toReversed())].slice(0, 4)).toEqual(expected);
});

test('a span of no piece marks nothing', () => {
  expect(Math.max(...nameMarks(pieces, [{ start: 2, end: 3 }]))).toBe(0);
});
