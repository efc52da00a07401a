import { describe, expect, it } from '@jest/globals';
import { pythonSample } from './python-random.js';

describe("Python's random.sample", () => {
  it('gives the numbers that CPython 3.11 gives, by either of its ways', () => {
    expect(pythonSample(7, 5_250, 1_500).slice(0, 6)).toEqual([2652, 1235, 3234, 395, 593, 4389]);
    expect(pythonSample(7, 550, 550).slice(0, 6)).toEqual([331, 154, 404, 49, 74, 96]);
    expect(pythonSample(11, 1_500, 120).slice(0, 6)).toEqual([926, 1146, 953, 925, 1040, 1202]);
    expect(pythonSample(7, 426, 5)).toEqual([165, 77, 202, 333, 24]);
  });

  it('gives them to the last', () => {
    const weighted = pythonSample(7, 5_250, 1_500).reduce((sum, x, at) => sum + (at + 1) * x, 0);
    expect(weighted).toBe(2_885_725_811);
  });
});
