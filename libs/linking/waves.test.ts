import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Candidate, RerankMode } from './stages.js';
import { fusedScore, nextWave } from './waves.js';

const CALIBRATION = {
  fused: {
    dualWeight: 22,
    offset: 0.6,
    softmaxScale: 1,
    firstIsRight: { score: 0, margin: 0, bias: 0 },
  },
  adaptive: { skipMargin: 1, waves: [2, 4, 100], logitBound: 2 },
};

const candidate = (key: number, retrievalScore: number): Candidate => ({
  key,
  retrievalScore,
  cosine: retrievalScore,
  lexicalRank: null,
  exactAlias: false,
  prior: null,
  priorMentions: 0,
  sources: ['dense'],
});

/** Runs the waves of one mention over known logits; gives how many it scored, and the winner's place. */
function run(scores: readonly number[], logits: readonly number[], mode: RerankMode) {
  const candidates = scores.map((score, key) => candidate(key, score));
  let scored = 0;
  for (let wavesDone = 0; ; wavesDone++) {
    const state = { candidates, logits: logits.slice(0, scored), wavesDone };
    const wave = nextWave(state, mode, CALIBRATION);
    if (wave === 0) break;
    scored += wave;
  }
  const fused = candidates
    .slice(0, scored)
    .map(({ retrievalScore }, at) => fusedScore(logits[at] ?? 0, retrievalScore, CALIBRATION));
  return { scored, winner: fused.indexOf(Math.max(...fused)) };
}

const mention = fc
  .array(
    fc.record({
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      logit: fc.double({ min: -8, max: 2, noNaN: true }),
    }),
    {
      minLength: 2,
      maxLength: 60,
    },
  )
  .map((pairs) => ({
    scores: pairs.map(({ score }) => score).sort((a, b) => b - a),
    logits: pairs.map(({ logit }) => logit),
  }));

describe('nextWave', () => {
  test('while no logit passes the bound, adaptive finds the winner of full', () => {
    fc.assert(
      fc.property(mention, ({ scores, logits }) => {
        const margin = (scores[0] ?? 0) - (scores[1] ?? 0);
        fc.pre(margin < CALIBRATION.adaptive.skipMargin);
        const full = run(scores, logits, 'full');
        expect(full.scored).toBe(scores.length);
        expect(run(scores, logits, 'adaptive').winner).toBe(full.winner);
      }),
    );
  });

  test('a logit above the bound can be missed: the bound is what the promise rests on', () => {
    const scores = [0.9, 0.89, 0.6, 0.5, 0.45];
    const logits = [0, 0, 0, 0, 12];
    expect(run(scores, logits, 'full').winner).toBe(4);
    expect(run(scores, logits, 'adaptive').winner).toBe(0);
  });

  test('the wave sizes are those of the calibration, and the last one is cut to what is left', () => {
    const candidates = Array.from({ length: 9 }, (_, key) => candidate(key, 0.9 - key / 1000));
    const wave = (scored: number, wavesDone: number) =>
      nextWave(
        { candidates, logits: Array<number>(scored).fill(0), wavesDone },
        'adaptive',
        CALIBRATION,
      );
    expect([wave(0, 0), wave(2, 1), wave(6, 2), wave(9, 3)]).toEqual([2, 4, 3, 0]);
  });

  test('a clear lead, a lone candidate and an empty list are not reranked, except in full', () => {
    const wave = (scores: number[], mode: RerankMode) =>
      nextWave(
        { candidates: scores.map((score, key) => candidate(key, score)), logits: [], wavesDone: 0 },
        mode,
        CALIBRATION,
      );
    expect(wave([1.5, 0.4], 'adaptive')).toBe(0);
    expect(wave([0.9], 'adaptive')).toBe(0);
    expect(wave([], 'adaptive')).toBe(0);
    expect(wave([1.5, 0.4], 'full')).toBe(2);
    expect(wave([0.5, 0.5], 'none')).toBe(0);
  });

  test('an entity that is gone settles nothing', () => {
    const candidates = [candidate(1, 0.9), candidate(2, 0.8), candidate(3, 0.2)];
    const state = { candidates, logits: [null, null], wavesDone: 1 };
    expect(nextWave(state, 'adaptive', CALIBRATION)).toBe(1);
  });
});
