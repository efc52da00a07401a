import type { Calibration, EvidenceWeights } from '../model/manifest.js';
import type { Candidate } from './stages.js';

/** What is known of a candidate before anything reads it together with the mention. */
export type Evidence = Omit<Candidate, 'retrievalScore' | 'evidenceScore'>;

/** What a surface that no label knows would give every entity: keeps log P finite. */
const UNSEEN = 0.05;

/**
 * The model's two weighted sums of the evidence, fitted as conditional logits (so that a softmax over a
 * mention's candidates gives probabilities): the order of retrieval, and what is added to the
 * cross-encoder's logit. `training/calibrate.py` fits them over all worlds.
 */
export function scoresOf(
  evidence: Evidence,
  similarity: number,
  { ranking }: Pick<Calibration, 'ranking'>,
): Pick<Candidate, 'retrievalScore' | 'evidenceScore'> {
  const features = featuresOf(evidence, similarity, ranking.bm25Offset);
  return {
    retrievalScore: weighed(features, ranking.retrieval),
    evidenceScore: weighed(features, ranking.fused),
  };
}

/** `similarity` is the cosine, no lower than where the dense list ends (see `fuse.ts`). */
export function featuresOf(
  { exactTitle, exactAlias, lexicalRank, prior, priorMentions }: Evidence,
  similarity: number,
  bm25Offset: number,
): EvidenceWeights {
  return {
    similarity,
    exactTitle: exactTitle ? 1 : 0,
    exactAlias: exactAlias && !exactTitle ? 1 : 0,
    bm25: lexicalRank === null ? 0 : 1 / (lexicalRank + bm25Offset),
    prior: prior ?? 0,
    // With n labelled mentions: log((count + kappa) / (n + 1)), the evidence of a Dirichlet prior.
    logPrior: prior === null ? 0 : Math.log(prior + UNSEEN / (priorMentions + 1)),
  };
}

function weighed(features: EvidenceWeights, weights: EvidenceWeights): number {
  return (
    weights.similarity * features.similarity +
    weights.exactTitle * features.exactTitle +
    weights.exactAlias * features.exactAlias +
    weights.bm25 * features.bm25 +
    weights.prior * features.prior +
    weights.logPrior * features.logPrior
  );
}

/** Softmax probability of the first of these scores among all, and of "nothing fits", which scores `nil`. */
export function shareOfFirst(scores: readonly number[], nil: number): number {
  const first = scores[0] ?? -Infinity;
  return 1 / scores.reduce((sum, score) => sum + Math.exp(score - first), Math.exp(nil - first));
}
