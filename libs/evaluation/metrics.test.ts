import { describe, expect, it } from '@jest/globals';
import {
  addCounts,
  byDocument,
  macroFigures,
  matchKeys,
  mean,
  precisionRecallF1,
  ratio,
} from './metrics.js';

describe('precision, recall and F1', () => {
  it('gives the figures worked out by hand', () => {
    // 3 right of 4 predicted, 6 to find: P 3/4, R 1/2, F1 = 2·(3/4)(1/2) / (5/4) = 0.6
    const figures = precisionRecallF1({ right: 3, predicted: 4, gold: 6 });
    expect(figures.precision).toBe(0.75);
    expect(figures.recall).toBe(0.5);
    expect(figures.f1).toBeCloseTo(0.6, 12);
  });

  it('is null, not 0 or 1, where there is nothing to divide by', () => {
    expect(precisionRecallF1({ right: 0, predicted: 0, gold: 0 })).toEqual({
      precision: null,
      recall: null,
      f1: null,
    });
    expect(precisionRecallF1({ right: 0, predicted: 0, gold: 2 })).toEqual({
      precision: null,
      recall: 0,
      f1: 0,
    });
  });
});

describe('averages', () => {
  it('weighs documents alike and leaves out those with nothing to count', () => {
    // 1/4 and 1/1: by document 0.625, though 2 of 5 mentions are right
    const documents = [
      { right: 1, whole: 4 },
      { right: 1, whole: 1 },
      { right: 0, whole: 0 },
    ];
    expect(byDocument(documents)).toBe(0.625);
    expect(ratio(2, 5)).toBe(0.4);
  });

  it('has no mean of nothing', () => {
    expect(mean([])).toBeNull();
    expect(byDocument([])).toBeNull();
  });
});

describe('strong matching', () => {
  it('counts a key once on each side', () => {
    expect(matchKeys(['0-4', '0-4', '9-12'], ['0-4', '5-8'])).toEqual({
      right: 1,
      predicted: 2,
      gold: 2,
    });
  });

  it('adds over documents', () => {
    const sum = addCounts(matchKeys(['a'], ['a', 'b']), matchKeys(['c', 'd'], ['d']));
    expect(sum).toEqual({ right: 2, predicted: 3, gold: 3 });
  });
});

describe('macro figures', () => {
  it('counts an empty document as right, and one with predictions only as wrong', () => {
    // documents: P 1/2 R 1/1 F 2/3; nothing and nothing: 1; only predictions: 0
    const figures = macroFigures([
      { right: 1, predicted: 2, gold: 1 },
      { right: 0, predicted: 0, gold: 0 },
      { right: 0, predicted: 3, gold: 0 },
    ]);
    expect(figures.precision).toBeCloseTo(1.5 / 3, 12);
    expect(figures.recall).toBeCloseTo(2 / 3, 12);
    expect(figures.f1).toBeCloseTo((2 / 3 + 1) / 3, 12);
  });
});
