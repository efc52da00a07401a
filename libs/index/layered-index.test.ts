import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ExactIndex } from './exact-index.js';
import { LayeredIndex } from './layered-index.js';
import { normalised, randomSource } from './testing/vectors.js';

const D = 4;

/** A unit vector from a seed; few distinct ones, so that equal cosines come up. */
function vectorOf(seed: number): Float32Array {
  const random = randomSource(seed);
  return normalised(Float32Array.from({ length: D }, () => random() - 0.5));
}

const key = fc.integer({ min: 0, max: 25 });
const row = fc.record({ key, seed: fc.integer({ min: 0, max: 12 }) });
const change = fc.oneof(
  row.map((added) => ({ kind: 'upsert' as const, ...added })),
  key.map((removed) => ({ kind: 'remove' as const, key: removed, seed: 0 })),
);

function indexOf(rows: readonly { key: number; seed: number }[]): ExactIndex {
  const index = new ExactIndex(D);
  for (const { key, seed } of rows) index.upsert([key], vectorOf(seed));
  return index;
}

describe('LayeredIndex', () => {
  it('answers as one exact index would, whatever was stored, replaced and removed', () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 25 }),
        fc.array(change, { maxLength: 40 }),
        fc.integer({ min: 0, max: 30 }),
        (stored, changes, k) => {
          const oracle = indexOf(stored);
          const layered = new LayeredIndex(D, indexOf(stored));
          for (const { kind, key, seed } of changes) {
            for (const index of [oracle, layered]) {
              if (kind === 'upsert') index.upsert([key], vectorOf(seed));
              else index.remove([key]);
            }
          }
          const queries = Float32Array.from([...vectorOf(3), ...vectorOf(99)]);
          const keys = [...Array(27).keys()];
          expect(layered.search(queries, k)).toEqual(oracle.search(queries, k));
          expect(layered.cosines(vectorOf(99), keys)).toEqual(oracle.cosines(vectorOf(99), keys));
          expect(layered.size).toBe(oracle.size);
          expect(keys.map((n) => layered.has(n))).toEqual(keys.map((n) => oracle.has(n)));
        },
      ),
      { numRuns: 300, seed: 20 },
    );
  });

  it('counts what differs from the base', () => {
    const layered = new LayeredIndex(D, indexOf([{ key: 1, seed: 1 }]));
    expect(layered.changes).toBe(0);
    layered.upsert([1], vectorOf(2));
    layered.upsert([2], vectorOf(3));
    layered.remove([7]);
    expect(layered.changes).toBe(3);
  });

  it('does not count a vector that the base has already', () => {
    const layered = new LayeredIndex(D, indexOf([{ key: 1, seed: 1 }]));
    layered.upsert([1], vectorOf(1));
    expect(layered.changes).toBe(0);
    layered.upsert([1, 1], Float32Array.from([...vectorOf(2), ...vectorOf(1)]));
    expect(layered.cosines(vectorOf(1), [1])[0]).toBeCloseTo(1, 6);
  });
});
