import type { Calibration } from '../model/manifest.js';
import type { RankedMention } from './stages.js';

type FirstIsRight = Calibration['dual']['firstIsRight'];

/**
 * P(first candidate is right), 0..1: the manifest's logistic over the best score and its lead over the
 * second, of fused scores where the cross-encoder was asked, else of retrieval scores. A candidate without
 * a rival is measured against the fusion's zero point.
 */
export function firstIsRight({ candidates }: RankedMention, calibration: Calibration): number {
  const [first, second] = candidates;
  if (first === undefined) return 0;
  if (first.logit !== null) {
    const best = first.fusedScore;
    return logistic(best, best - (second?.fusedScore ?? 0), calibration.fused.firstIsRight);
  }
  const best = first.retrievalScore;
  const rival = second?.retrievalScore ?? calibration.fused.offset;
  return logistic(best, best - rival, calibration.dual.firstIsRight);
}

function logistic(score: number, lead: number, weights: FirstIsRight): number {
  return 1 / (1 + Math.exp(-(weights.score * score + weights.margin * lead + weights.bias)));
}
