import { describe, expect, it } from '@jest/globals';
import { calibration } from '../../libs/evaluation/calibration.js';
import type { Evaluation } from '../../libs/evaluation/evaluate.js';
import { isReached } from './aims.js';
import { recallAt } from './baselines.js';
import { aimText, meanOf, share, shares } from './figures-text.js';
import { pooledEce } from './page/confidence-table.js';

describe('figures of the accuracy page', () => {
  it('are written as shares, and aims with their distance in points', () => {
    expect(share(0.8734)).toBe('.873');
    expect(share(1)).toBe('1.000');
    expect(share(null)).toBe('-');
    expect(shares([0.5, undefined])).toBe('.500 / -');
    expect(aimText(0.88, 0.868)).toBe('.880 (−1.2)');
    expect(aimText(0.88, 0.9)).toBe('.880 (+2.0)');
    expect(aimText(0.88, 0.8799)).toBe('.880 (0.0)');
    expect(aimText(0.88, null)).toBe('.880');
    expect(aimText(undefined, 0.5)).toBe('');
  });

  it('have means of what is known', () => {
    expect(meanOf([1, null, undefined, 2])).toBe(1.5);
    expect(meanOf([null])).toBeNull();
  });

  it('reach an aim as printed, errors from below', () => {
    const what = 'x';
    expect(isReached({ what, aim: 0.88, reached: 0.8796 })).toBe(true);
    expect(isReached({ what, aim: 0.88, reached: 0.879 })).toBe(false);
    expect(isReached({ what, aim: 0.88, reached: null })).toBe(false);
    expect(isReached({ what, aim: 0.03, reached: 0.02, isUpperBound: true })).toBe(true);
    expect(isReached({ what, aim: 0.03, reached: 0.04, isUpperBound: true })).toBe(false);
  });

  it('count recall by rank', () => {
    expect(recallAt([0, 5, 70, -1])).toEqual([0.25, 0.5, 0.5, 0.75]);
  });

  it('pool calibration as if the samples were one', () => {
    const a = Array.from({ length: 9 }, (_, at) => ({ confidence: 0.8, right: at < 6 }));
    const b = Array.from({ length: 7 }, (_, at) => ({ confidence: at / 7, right: at > 2 }));
    const evaluations = [a, b].map((each) => ({ calibration: calibration(each) }) as Evaluation);
    expect(pooledEce(evaluations)).toBeCloseTo(calibration([...a, ...b]).ece ?? NaN, 12);
    expect(pooledEce([])).toBeNull();
  });
});
