import { describe, expect, it } from '@jest/globals';
import { denseCandidate } from '../../test/support/calibration.js';
import type { Decision, RankedCandidate } from '../linking/stages.js';
import { judge, type GoldTarget, type LinkedDocument, type MentionSource } from './judge.js';

const candidate = (key: number, retrievalScore: number, fusedScore = 0): RankedCandidate => ({
  ...denseCandidate(key, retrievalScore),
  logit: null,
  fusedScore,
});

const decision = (
  [start, end]: [number, number],
  key: number | null,
  candidates: readonly RankedCandidate[] = key === null ? [] : [candidate(key, 1)],
): Decision => ({
  ranked: {
    mention: {
      start,
      end,
      surface: 'x',
      source: 'given',
      spanProbability: 1,
      tagProbability: null,
      keyphraseness: null,
    },
    candidates,
    pairsScored: 0,
  },
  key,
  confidence: 0.5,
});

const linked = (...decisions: readonly Decision[]): LinkedDocument => ({
  ranked: decisions.map(({ ranked }) => ranked),
  decisions,
  pairsScored: 0,
  timings: { detect: 0, encode: 0, retrieve: 0, rerank: 0, decide: 0 },
});

const gold = (start: number, end: number, key: number | null, entityId?: string): GoldTarget => ({
  start,
  end,
  key,
  entityId: entityId ?? (key === null ? null : `e${key}`),
});

const verdicts = (
  targets: readonly GoldTarget[],
  answer: LinkedDocument,
  source: MentionSource = 'given',
): string[] => judge(targets, answer, source).judged.map(({ verdict }) => verdict);

describe('verdicts on given mentions', () => {
  it('blame the first step that went wrong', () => {
    const first = [candidate(1, 0.9), candidate(2, 0.8)];
    const targets = [
      gold(0, 1, 1),
      gold(2, 3, 7),
      gold(4, 5, 2),
      gold(6, 7, 1),
      gold(8, 9, null),
      gold(10, 11, null),
      gold(12, 13, null, 'gone'),
    ];
    const answer = linked(
      decision([0, 1], 1, first),
      decision([2, 3], 1, first),
      decision([4, 5], 1, first),
      decision([6, 7], null, first),
      decision([8, 9], 1, first),
      decision([10, 11], null, first),
      decision([12, 13], 1, first),
    );
    expect(verdicts(targets, answer)).toEqual([
      'right',
      'not-retrieved',
      'ranked-below',
      'false-nil',
      'false-link',
      'right',
      'unknown-gold',
    ]);
  });

  it('finds the gold entity in the retrieved order and in the reranked one', () => {
    // reranked order 3, 1, 2; retrieved order 1, 2, 3
    const candidates = [candidate(3, 0.7, 9), candidate(1, 0.9, 5), candidate(2, 0.8, 1)];
    const { outcome } = judge([gold(0, 1, 3)], linked(decision([0, 1], 3, candidates)), 'given');
    expect(outcome.mentions[0]).toMatchObject({ retrievedAt: 2, rerankedAt: 0 });
  });
});

describe('detected mentions', () => {
  const targets = [gold(0, 4, 1), gold(5, 9, 2), gold(10, 14, 3), gold(20, 24, null)];
  const answer = linked(
    decision([0, 4], 1), // right
    decision([5, 8], 2), // right entity, wrong span
    decision([30, 34], 5), // nothing there
    decision([40, 44], null), // NIL is no link
  );

  it('are told apart by kind of error', () => {
    expect(verdicts(targets, answer, 'detected')).toEqual([
      'right',
      'wrong-span',
      'missed',
      'right',
      'spurious',
    ]);
  });

  it('are counted as GERBIL does: exact spans, links in the KB only', () => {
    const { detection } = judge(targets, answer, 'detected').outcome;
    expect(detection?.spans).toEqual({ right: 1, predicted: 3, gold: 4 });
    expect(detection?.links).toEqual({ right: 1, predicted: 3, gold: 3 });
    expect(detection?.offered).toEqual({ right: 1, predicted: 4, gold: 4 });
  });

  it('need the entity as well as the span for a link', () => {
    const { detection } = judge([gold(0, 4, 2)], linked(decision([0, 4], 1)), 'detected').outcome;
    expect(detection?.spans.right).toBe(1);
    expect(detection?.links.right).toBe(0);
  });
});
