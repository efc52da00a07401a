import { describe, expect, test } from '@jest/globals';
import {
  CALIBRATION as SIMPLE,
  confidenceWeights,
  denseCandidate,
} from '../../test/support/calibration.js';
import { decide } from './decide.js';
import type { MentionSource, RankedCandidate, RankedMention } from './stages.js';

/** Confidence is the logistic of ten times the lead, less 2; of fused scores, of the lead itself. */
const CALIBRATION = {
  ...SIMPLE,
  ranking: { ...SIMPLE.ranking, nil: { retrieval: 0.5, fused: -100 } },
  confidence: {
    retrieved: confidenceWeights({ lead: 10, bias: -2 }),
    reranked: confidenceWeights({ lead: 1 }),
  },
};

const OPTIONS = { calibration: CALIBRATION, minConfidence: 0.5 };

const candidate = (key: number, score: number, logit: number | null = null): RankedCandidate => ({
  ...denseCandidate(key, score),
  logit,
  fusedScore: (logit ?? 0) + 22 * score,
});

interface Place {
  readonly at?: readonly [number, number];
  readonly source?: MentionSource;
  readonly spanProbability?: number;
}

const ranked = (candidates: RankedCandidate[], place: Place = {}): RankedMention => {
  const { at: [start, end] = [0, 5], source = 'given', spanProbability = 1 } = place;
  const mention = {
    start,
    end,
    surface: '',
    source,
    spanProbability,
    tagProbability: null,
    keyphraseness: null,
  };
  return { mention, candidates, pairsScored: 0 };
};

const SURE = [candidate(1, 0.9), candidate(2, 0.1)];
const UNSURE = [candidate(3, 0.9), candidate(4, 0.89)];

describe('decide', () => {
  test('the best candidate, with the calibrated probability that it is right', () => {
    const [decision] = decide([ranked(SURE)], OPTIONS);
    expect(decision?.key).toBe(1);
    expect(decision?.confidence).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
  });

  test('where the cross-encoder was asked, the probability is that of fused scores', () => {
    const scored = [candidate(1, 0.6, 4), candidate(2, 0.6, 1)];
    const [decision] = decide([ranked(scored)], OPTIONS);
    expect(decision?.confidence).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
  });

  test('below the threshold, and without a candidate, it is NIL and keeps its confidence', () => {
    const decisions = decide([ranked(UNSURE), ranked([])], OPTIONS);
    expect(decisions.map(({ key }) => key)).toEqual([null, null]);
    expect(decisions[0]?.confidence).toBeCloseTo(1 / (1 + Math.exp(1.9)), 6);
    expect(decisions[1]?.confidence).toBe(0);
  });

  test("the threshold is the caller's", () => {
    const keys = (minConfidence: number) =>
      decide([ranked(UNSURE), ranked(SURE)], { calibration: CALIBRATION, minConfidence }).map(
        ({ key }) => key,
      );
    expect(keys(0)).toEqual([3, 1]);
    expect(keys(1)).toEqual([null, null]);
  });

  test('a doubtful span makes a doubtful link', () => {
    const [decision] = decide(
      [ranked(SURE, { source: 'compromise', spanProbability: 0.4 })],
      OPTIONS,
    );
    expect(decision?.key).toBeNull();
  });

  test('of overlapping detected mentions the more certain and longer stays, a link before a NIL', () => {
    const long = ranked(SURE, { at: [0, 14], source: 'gazetteer' });
    const short = ranked(SURE, { at: [9, 14], source: 'gazetteer' });
    const longButNil = ranked(UNSURE, { at: [0, 20], source: 'compromise' });
    const spans = (mentions: RankedMention[]) =>
      decide(mentions, OPTIONS).map(({ ranked: { mention } }) => mention.end);
    expect(spans([long, short])).toEqual([14]);
    expect(decide([long, short], OPTIONS)[0]?.ranked).toBe(long);
    expect(spans([longButNil, short])).toEqual([14]);
  });

  test('given mentions are each answered, in the order given', () => {
    const mentions = [
      ranked(SURE, { at: [4, 9] }),
      ranked(UNSURE, { at: [0, 9] }),
      ranked(SURE, { at: [4, 9] }),
    ];
    const decisions = decide(mentions, OPTIONS);
    expect(decisions.map(({ ranked: { mention } }) => mention.start)).toEqual([4, 0, 4]);
  });

  test('a candidate without a rival is measured against the score of nothing fitting', () => {
    const confidence = (score: number) =>
      decide([ranked([candidate(1, score)])], OPTIONS)[0]?.confidence ?? 0;
    expect(confidence(0.9)).toBeGreaterThan(0.7);
    expect(confidence(0.6)).toBeLessThan(0.3);
  });
});
