import { EVIDENCE_FEATURES, type Calibration, type EvidenceWeights } from '../model/manifest.js';
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
  const labelled = priorMentions > 0 ? 1 : 0;
  const title = exactTitle ? 1 : 0;
  const alias = exactAlias && !exactTitle ? 1 : 0;
  const bm25 = lexicalRank === null ? 0 : 1 / (lexicalRank + bm25Offset);
  return {
    similarity,
    exactTitle: title,
    exactAlias: alias,
    bm25,
    prior: prior ?? 0,
    // With n labelled mentions: log((count + kappa) / (n + 1)), the evidence of a Dirichlet prior.
    logPrior: prior === null ? 0 : Math.log(prior + UNSEEN / (priorMentions + 1)),
    labelledSimilarity: labelled * similarity,
    labelledTitle: labelled * title,
    labelledAlias: labelled * alias,
    labelledBm25: labelled * bm25,
    labelled,
  };
}

function weighed(features: EvidenceWeights, weights: EvidenceWeights): number {
  return EVIDENCE_FEATURES.reduce((sum, name) => sum + weights[name] * features[name], 0);
}

/** Softmax probability of the first of these scores among all, and of "nothing fits", which scores `nil`. */
export function shareOfFirst(scores: readonly number[], nil: number): number {
  const first = scores[0] ?? -Infinity;
  return 1 / scores.reduce((sum, score) => sum + Math.exp(score - first), Math.exp(nil - first));
}
