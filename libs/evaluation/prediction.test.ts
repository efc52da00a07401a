import { describe, expect, it } from '@jest/globals';
import { denseCandidate } from '../../test/support/calibration.js';
import type { EntityRecord } from '../contract/entity.js';
import type { RankedCandidate } from '../linking/stages.js';
import type { Judged } from './judge.js';
import { keysOf, prediction } from './prediction.js';

const text = 'The mercury rose.';

const candidate = (key: number, exactAlias: boolean): RankedCandidate => ({
  ...denseCandidate(key, 1 / key),
  ...{ exactTitle: key === 1, exactAlias, prior: 0.5, priorMentions: 2 },
  ...{ logit: null, fusedScore: -key },
});

const record = (key: number, title: string): EntityRecord => ({
  id: `e${key}`,
  title,
  aliases: [],
  types: [],
  description: '',
});

const records = new Map([
  [1, record(1, 'Mercury')],
  [2, record(2, 'Quicksilver')],
  [3, record(3, 'Mars')],
]);

const judged: Judged = {
  span: { start: 4, end: 11 },
  gold: { start: 4, end: 11, entityId: 'e2', key: 2 },
  decision: {
    ranked: {
      mention: {
        ...{ start: 4, end: 11, surface: 'mercury', source: 'given' },
        ...{ spanProbability: 1, tagProbability: null, keyphraseness: null },
      },
      candidates: [candidate(1, true), candidate(2, true), candidate(3, false)],
      pairsScored: 0,
    },
    key: 1,
    confidence: 0.6,
  },
  verdict: 'ranked-below',
};

const write = (candidates: number, of: Judged = judged) =>
  prediction({ id: 'd', text }, of, { candidates, recordOf: (key) => records.get(key) });

describe('a prediction', () => {
  it('has every feature of its candidates, and which of them is gold', () => {
    const { candidates } = write(100);
    expect(candidates).toHaveLength(3);
    expect(candidates[1]).toEqual({
      ...{ entityId: 'e2', title: 'Quicksilver', isGold: true, exactTitle: false },
      ...{ cosine: 0.5, lexicalRank: null, exactAlias: true, prior: 0.5, priorMentions: 2 },
      ...{
        retrievalScore: 0.5,
        evidenceScore: 11,
        logit: null,
        fusedScore: -2,
        sources: ['dense'],
      },
    });
    expect(candidates.map(({ exactTitle }) => exactTitle)).toEqual([true, false, false]);
  });

  it('counts the candidates of that name, written or not', () => {
    const { candidates, mention } = write(1);
    expect(candidates).toHaveLength(1);
    expect(mention).toMatchObject({ source: 'given', spanProbability: 1, sameName: 2 });
  });

  it('asks for the records of the gold entity and of the candidates to write', () => {
    expect(keysOf(judged, 1)).toEqual([2, 1]);
  });

  it('has no mention and no candidates where the answer has none', () => {
    const missed = write(5, { ...judged, decision: null, verdict: 'missed' });
    expect(missed).not.toHaveProperty('mention');
    expect(missed.candidates).toEqual([]);
    expect(missed.gold).toEqual({ entityId: 'e2', title: 'Quicksilver' });
  });
});
