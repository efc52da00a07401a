import { afterEach, describe, expect, it } from '@jest/globals';
import { normalised, randomSource } from './testing/vectors.js';
import type { VectorIndex } from './vector-index.js';

const D = 8;

export interface IndexFactory {
  readonly name: string;
  /** An index of `dimensions` that holds these vectors. */
  make(dimensions: number, keys: readonly number[], vectors: Float32Array): Promise<VectorIndex>;
}

/** A unit vector in the plane of the first two axes, `degrees` from the first. */
function at(degrees: number): Float32Array {
  const angle = (degrees * Math.PI) / 180;
  const vector = new Float32Array(D);
  vector[0] = Math.cos(angle);
  vector[1] = Math.sin(angle);
  return vector;
}

function rows(...vectors: readonly Float32Array[]): Float32Array {
  return Float32Array.from(vectors.flatMap((vector) => [...vector]));
}

/** What every vector index does; a new adapter joins by one call. */
export function describeVectorIndex(factory: IndexFactory): void {
  describe(factory.name, () => {
    const opened: VectorIndex[] = [];
    const make = async (
      keys: readonly number[] = [],
      vectors: Float32Array = new Float32Array(0),
    ): Promise<VectorIndex> => {
      const index = await factory.make(D, keys, vectors);
      opened.push(index);
      return index;
    };
    const three = (): Promise<VectorIndex> => make([10, 20, 30], rows(at(0), at(30), at(90)));

    afterEach(() => {
      for (const index of opened.splice(0)) index.close();
    });

    it('tells its size and dimensions', async () => {
      const index = await three();
      expect([index.size, index.dimensions]).toEqual([3, D]);
    });

    it('finds the nearest first, with exact cosines', async () => {
      const [found] = (await three()).search(at(10), 2);
      expect(found?.keys).toEqual([10, 20]);
      expect(found?.cosines[0]).toBeCloseTo(Math.cos(Math.PI / 18), 6);
      expect(found?.cosines[1]).toBeCloseTo(Math.cos(Math.PI / 9), 6);
    });

    it('answers several queries in their order', async () => {
      const found = (await three()).search(rows(at(85), at(5), at(29)), 1);
      expect(found.map((neighbours) => neighbours.keys)).toEqual([[30], [10], [20]]);
    });

    it('answers fewer than k where it holds fewer', async () => {
      const [found] = (await three()).search(at(80), 50);
      expect(found?.keys).toEqual([30, 20, 10]);
      expect(found?.cosines).toHaveLength(3);
    });

    it('answers no neighbours for k = 0 and nothing for no queries', async () => {
      const index = await three();
      expect(index.search(at(0), 0)[0]?.keys).toEqual([]);
      expect(index.search(new Float32Array(0), 5)).toEqual([]);
    });

    it('answers an empty list for each query when empty', async () => {
      const found = (await make()).search(rows(at(0), at(1)), 5);
      expect(found.map((neighbours) => neighbours.keys)).toEqual([[], []]);
    });

    it('orders equal cosines by key', async () => {
      const index = await make([3, 5, 9], rows(at(40), at(40), at(40)));
      expect(index.search(at(0), 3)[0]?.keys).toEqual([3, 5, 9]);
    });

    it('gives exact cosines by key, NaN for a key it does not hold', async () => {
      const cosines = (await three()).cosines(at(0), [30, 99, 10]);
      expect(cosines[0]).toBeCloseTo(0, 6);
      expect(cosines[1]).toBeNaN();
      expect(cosines[2]).toBeCloseTo(1, 6);
    });

    it('adds', async () => {
      const index = await three();
      index.upsert([40], at(60));
      expect(index.size).toBe(4);
      expect(index.search(at(59), 2)[0]?.keys).toEqual([40, 20]);
    });

    it('replaces, and the old vector is found no more', async () => {
      const index = await three();
      index.upsert([10], at(95));
      expect(index.size).toBe(3);
      expect(index.search(at(0), 3)[0]?.keys).toEqual([20, 30, 10]);
      expect(index.cosines(at(95), [10])[0]).toBeCloseTo(1, 6);
    });

    it('takes the last of two vectors for one key in a page', async () => {
      const index = await make();
      index.upsert([1, 1], rows(at(0), at(50)));
      expect(index.size).toBe(1);
      expect(index.cosines(at(50), [1])[0]).toBeCloseTo(1, 6);
    });

    it('removes, twice without harm, and takes the key again', async () => {
      const index = await three();
      index.remove([20, 77]);
      index.remove([20]);
      expect(index.size).toBe(2);
      expect(index.search(at(30), 3)[0]?.keys).toEqual([10, 30]);
      expect(index.cosines(at(0), [20])[0]).toBeNaN();
      index.upsert([20], at(31));
      expect(index.search(at(30), 1)[0]?.keys).toEqual([20]);
    });

    it('finds what is left when all the nearest were removed', async () => {
      const keys = Array.from({ length: 200 }, (_, i) => i);
      const index = await make(keys, rows(...keys.map((key) => at(key / 4))));
      index.remove(keys.slice(0, 150));
      expect(index.search(at(0), 3)[0]?.keys).toEqual([150, 151, 152]);
    });

    it('refuses vectors of another width and a k that is no count', async () => {
      const index = await three();
      expect(() => index.search(new Float32Array(D + 1), 1)).toThrow(/whole number of vectors/);
      expect(() => {
        index.upsert([1, 2], at(0));
      }).toThrow(/2 keys and 1 vectors/);
      expect(() => index.search(at(0), 1.5)).toThrow(/k is 1.5/);
    });

    it('agrees with a plain calculation after random changes', async () => {
      const random = randomSource(42);
      const vector = (): Float32Array =>
        normalised(Float32Array.from({ length: D }, () => random() - 0.5));
      const held = new Map(Array.from({ length: 60 }, (_, key) => [key, vector()] as const));
      const index = await make([...held.keys()], rows(...held.values()));
      for (let step = 0; step < 100; step++) {
        const key = Math.floor(random() * 80);
        const next = vector();
        if (random() < 0.4) {
          index.remove([key]);
          held.delete(key);
        } else {
          index.upsert([key], next);
          held.set(key, next);
        }
      }
      const query = vector();
      const expected = [...held]
        .map(([key, row]) => ({
          key,
          cosine: row.reduce((sum, x, i) => sum + x * (query[i] ?? 0), 0),
        }))
        .sort((a, b) => b.cosine - a.cosine)
        .slice(0, 10);
      expect(index.size).toBe(held.size);
      const [found] = index.search(query, 10);
      expect(found?.keys).toEqual(expected.map(({ key }) => key));
      for (const [i, { cosine }] of expected.entries()) {
        expect(found?.cosines[i]).toBeCloseTo(cosine, 5);
      }
    });
  });
}
