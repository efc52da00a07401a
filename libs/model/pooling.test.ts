import { expect, test } from '@jest/globals';
import { entityParts, mentionParts } from './pooling.js';

/** [2, 6, 2]: state t of row r is (t + 10 r, -1). */
const hidden = {
  values: Float32Array.from({ length: 24 }, (_, i) => {
    return i % 2 === 1 ? -1 : ((i >> 1) % 6) + 10 * Math.floor(i / 12);
  }),
  width: 6,
  hiddenSize: 2,
};
const tokens = { ids: new Int32Array(12), lengths: Int32Array.of(6, 5) };

test('a mention reads mean, first, last and [CLS] of its own row', () => {
  const parts = mentionParts(hidden, {
    ...tokens,
    rows: Int32Array.of(1, 0),
    firsts: Int32Array.of(1, 2),
    ends: Int32Array.of(4, 3),
    features: new Int32Array(2),
  }).values;
  expect(Array.from(parts)).toEqual([12, -1, 11, -1, 13, -1, 10, -1, 2, -1, 2, -1, 2, -1, 0, -1]);
});

test('an entity reads [CLS], title, all of it, and what follows the title; nothing of the padding', () => {
  const parts = entityParts(hidden, {
    ...tokens,
    titlePieces: Int32Array.of(1, 2),
    features: new Int32Array(2),
  }).values;
  const [first, second] = [parts.subarray(0, 8), parts.subarray(8)];
  expect(Array.from(first)).toEqual([0, -1, 1, -1, 2.5, -1, 3.5, -1]);
  expect(Array.from(second)).toEqual([10, -1, 11.5, -1, 12, -1, 0, 0]);
});
