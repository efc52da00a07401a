import type { Calibration } from '../model/manifest.js';
import { shareOfFirst } from './ranking.js';
import type { Candidate, RerankMode } from './stages.js';

/** What the waves are decided by. */
type CandidateScores = Pick<Candidate, 'retrievalScore' | 'evidenceScore'>;
type Fusion = Pick<Calibration, 'ranking' | 'adaptive'>;

/**
 * A mention on its way through the reranker. Candidates are scored in the order of their retrieval score,
 * so that what is scored is always the first `logits.length` of them; null where the entity is gone.
 */
export interface WaveState {
  readonly candidates: readonly CandidateScores[];
  readonly logits: readonly (number | null)[];
  readonly wavesDone: number;
}

/** The model's fusion of the cross-encoder's logit and what was known before, in log-odds. */
export function fusedScore(
  logit: number,
  { evidenceScore }: Pick<Candidate, 'evidenceScore'>,
  { ranking }: Pick<Calibration, 'ranking'>,
): number {
  return ranking.fused.logit * logit + evidenceScore;
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
 * Settled before the first wave: retrieval alone is sure of the first candidate, or it has no rival. After a
 * wave: no candidate left, given the highest logit there is, would pass the best scored one. If no logit
 * is above `logitBound`, the winner is then the one that scoring all would find.
 */
function isSettled({ candidates, logits }: WaveState, calibration: Fusion): boolean {
  const { skipProbability, logitBound } = calibration.adaptive;
  if (candidates.length < 2) return true;
  if (logits.length === 0) {
    const scores = candidates.map(({ retrievalScore }) => retrievalScore);
    return shareOfFirst(scores, calibration.ranking.nil.retrieval) >= skipProbability;
  }
  const left = candidates.slice(logits.length);
  const most = Math.max(...left.map((each) => fusedScore(logitBound, each, calibration)));
  const best = Math.max(...logits.map((logit, at) => fusedAt(candidates[at], logit, calibration)));
  return best >= most;
}

function fusedAt(
  candidate: CandidateScores | undefined,
  logit: number | null,
  calibration: Fusion,
) {
  if (candidate === undefined || logit === null) return -Infinity;
  return fusedScore(logit, candidate, calibration);
}
