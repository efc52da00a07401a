import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CALIBRATION as SIMPLE, denseCandidate } from '../../test/support/calibration.js';
import { shareOfFirst } from './ranking.js';
import type { RerankMode } from './stages.js';
import { fusedScore, nextWave } from './waves.js';

const CALIBRATION = {
  ...SIMPLE,
  adaptive: { ...SIMPLE.adaptive, skipProbability: 0.7, waves: [2, 4, 100], logitBound: 2 },
};

/** Runs the waves of one mention over known logits; gives how many it scored, and the winner's place. */
function run(scores: readonly number[], logits: readonly number[], mode: RerankMode) {
  const candidates = scores.map((score, key) => denseCandidate(key, score));
  let scored = 0;
  for (let wavesDone = 0; ; wavesDone++) {
    const state = { candidates, logits: logits.slice(0, scored), wavesDone };
    const wave = nextWave(state, mode, CALIBRATION);
    if (wave === 0) break;
    scored += wave;
  }
  const fused = candidates
    .slice(0, scored)
    .map((each, at) => fusedScore(logits[at] ?? 0, each, CALIBRATION));
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
        fc.pre(shareOfFirst(scores, -100) < CALIBRATION.adaptive.skipProbability);
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
    const candidates = Array.from({ length: 9 }, (_, key) => denseCandidate(key, 0.9 - key / 1000));
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
        {
          candidates: scores.map((score, key) => denseCandidate(key, score)),
          logits: [],
          wavesDone: 0,
        },
        mode,
        CALIBRATION,
      );
    expect(wave([2.5, 0.4], 'adaptive')).toBe(0);
    expect(wave([0.9], 'adaptive')).toBe(0);
    expect(wave([], 'adaptive')).toBe(0);
    expect(wave([2.5, 0.4], 'full')).toBe(2);
    expect(wave([0.5, 0.5], 'none')).toBe(0);
  });

  test('an entity that is gone settles nothing', () => {
    const candidates = [denseCandidate(1, 0.9), denseCandidate(2, 0.8), denseCandidate(3, 0.2)];
    const state = { candidates, logits: [null, null], wavesDone: 1 };
    expect(nextWave(state, 'adaptive', CALIBRATION)).toBe(1);
  });
});
