import { describe, expect, it } from '@jest/globals';
import { sampleOrdinals, seededRandom, shuffledOrdinals } from './sample.js';

describe('seeded sampling', () => {
  it('gives the same sample for the same seed and another for another', () => {
    const first = [...sampleOrdinals(1_000, 50, 7)];
    expect([...sampleOrdinals(1_000, 50, 7)]).toEqual(first);
    expect([...sampleOrdinals(1_000, 50, 8)]).not.toEqual(first);
  });

  it('takes exactly as many as asked for, in order and in range', () => {
    for (const seed of [0, 1, 2, 3]) {
      const sample = [...sampleOrdinals(200, 30, seed)];
      expect(sample).toHaveLength(30);
      expect(sample).toEqual([...sample].sort((a, b) => a - b));
      expect(sample.every((ordinal) => ordinal >= 0 && ordinal < 200)).toBe(true);
    }
  });

  it('takes everything where the limit is larger than the total', () => {
    expect([...sampleOrdinals(3, 10, 1)]).toEqual([0, 1, 2]);
    expect([...sampleOrdinals(0, 10, 1)]).toEqual([]);
  });

  it('favours no position', () => {
    const counts = new Array<number>(10).fill(0);
    for (let seed = 0; seed < 4_000; seed += 1) {
      for (const ordinal of sampleOrdinals(10, 3, seed))
        counts[ordinal] = (counts[ordinal] ?? 0) + 1;
    }
    // 1,200 expected at each position; four standard deviations are 116
    for (const count of counts) expect(Math.abs(count - 1_200)).toBeLessThan(116);
  });

  it('draws numbers in [0, 1) with mean one half', () => {
    const random = seededRandom(1);
    const draws = Array.from({ length: 10_000 }, random);
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
    expect(draws.reduce((a, b) => a + b, 0) / draws.length).toBeCloseTo(0.5, 1);
  });

  it('shuffles into a permutation that the seed fixes', () => {
    const order = shuffledOrdinals(100, 5);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(shuffledOrdinals(100, 5)).toEqual(order);
    expect(shuffledOrdinals(100, 6)).not.toEqual(order);
  });
});
