import { describe, expect, it } from '@jest/globals';
import { ExactIndex } from './exact-index.js';

describe('ExactIndex', () => {
  it('keeps its rows when it grows while a row is appended', () => {
    const index = new ExactIndex(2);
    const keys = Array.from({ length: 1_000 }, (_, i) => i);
    for (const key of keys)
      index.upsert([key], Float32Array.of(Math.cos(key / 1e3), Math.sin(key / 1e3)));
    const found = keys.filter((key) => {
      const query = Float32Array.of(Math.cos(key / 1e3), Math.sin(key / 1e3));
      return index.search(query, 1)[0]?.keys[0] === key;
    });
    expect(found).toHaveLength(1_000);
  });

  it('never answers a vector that is not a number', () => {
    const index = new ExactIndex(2);
    index.upsert([1, 2], Float32Array.of(NaN, 0, 1, 0));
    expect(index.search(Float32Array.of(1, 0), 5)[0]?.keys).toEqual([2]);
  });
});
