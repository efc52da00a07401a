import type { Calibration } from '../model/manifest.js';
import type { Candidate, RerankMode } from './stages.js';

type Fusion = Pick<Calibration, 'fused' | 'adaptive'>;

/**
 * A mention on its way through the reranker. Candidates are scored in the order of their retrieval score,
 * so that what is scored is always the first `logits.length` of them; null where the entity is gone.
 */
export interface WaveState {
  readonly candidates: readonly Candidate[];
  readonly logits: readonly (number | null)[];
  readonly wavesDone: number;
}

/** The model's fusion: how much the cross-encoder's logit corrects the retrieval score. */
export function fusedScore(
  logit: number,
  retrievalScore: number,
  { fused }: Pick<Calibration, 'fused'>,
): number {
  return logit + fused.dualWeight * (retrievalScore - fused.offset);
}

/** How many more candidates of the mention to score now; 0 when it is done. */
export function nextWave(state: WaveState, mode: RerankMode, calibration: Fusion): number {
  const left = state.candidates.length - state.logits.length;
  switch (mode) {
    case 'none':
      return 0;
    case 'full':
      return left;
    case 'adaptive':
      return isSettled(state, calibration)
        ? 0
        : Math.min(left, calibration.adaptive.waves[state.wavesDone] ?? 0);
  }
}

/**
 * Settled before the first wave: the first candidate leads by `skipMargin`, or has no rival. After a wave:
 * the best candidate left, with the highest logit there is, would not pass the best scored one. If no logit
 * is above `logitBound`, the winner is then the one that scoring all would find.
 */
function isSettled({ candidates, logits }: WaveState, calibration: Fusion): boolean {
  const { skipMargin, logitBound } = calibration.adaptive;
  const [first, second] = candidates;
  if (first === undefined || second === undefined) return true;
  if (logits.length === 0) return first.retrievalScore - second.retrievalScore >= skipMargin;
  const bestLeft = candidates[logits.length];
  if (bestLeft === undefined) return true;
  const best = Math.max(...logits.map((logit, at) => fusedAt(candidates[at], logit, calibration)));
  return best >= fusedScore(logitBound, bestLeft.retrievalScore, calibration);
}

function fusedAt(candidate: Candidate | undefined, logit: number | null, calibration: Fusion) {
  if (candidate === undefined || logit === null) return -Infinity;
  return fusedScore(logit, candidate.retrievalScore, calibration);
}
