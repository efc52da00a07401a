import { describe, expect, it } from '@jest/globals';
import { calibration } from './calibration.js';

describe('expected calibration error', () => {
  it('gives the figure worked out by hand', () => {
    // bin [0.9, 1]: 2 mentions, confidence 0.95, accuracy 0.5, distance 0.45
    // bin [0.2, 0.3): 2 mentions, confidence 0.25, accuracy 0.5, distance 0.25
    const result = calibration([
      { confidence: 0.9, right: true },
      { confidence: 1, right: false },
      { confidence: 0.2, right: false },
      { confidence: 0.3 - 1e-9, right: true },
    ]);
    expect(result.ece).toBeCloseTo((2 * 0.45 + 2 * 0.25) / 4, 6);
    expect(result.bins.map((bin) => bin.mentions)).toEqual([0, 0, 2, 0, 0, 0, 0, 0, 0, 2]);
  });

  it('is 0 for forecasts that come true as often as they say', () => {
    const forecasts = [true, true, true, false].map((right) => ({ confidence: 0.75, right }));
    expect(calibration(forecasts).ece).toBe(0);
  });

  it('has no figure without mentions', () => {
    expect(calibration([]).ece).toBeNull();
  });
});
