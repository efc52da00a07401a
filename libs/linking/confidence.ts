import {
  CONFIDENCE_FEATURES,
  type Calibration,
  type ConfidenceWeights,
} from '../model/manifest.js';
import { featuresOf, shareOfFirst } from './ranking.js';
import type { RankedCandidate, RankedMention } from './stages.js';

/** Log-odds and leads beyond these say nothing more. */
const MOST_LOG_ODDS = 8;
const MOST_LEAD = 10;

/**
 * P(first candidate is right), 0..1: a logistic over features that mean the same in any knowledge base
 * (Platt 1999). Its weights differ where the cross-encoder has read the candidates.
 */
export function firstIsRight({ candidates }: RankedMention, calibration: Calibration): number {
  const [first] = candidates;
  if (first === undefined) return 0;
  const { reranked, retrieved } = calibration.confidence;
  const weights = first.logit === null ? retrieved : reranked;
  return 1 / (1 + Math.exp(-weighed(confidenceFeatures(first, candidates, calibration), weights)));
}

/** The features of a mention's ranked list; `training/calibrate.py` has the same. */
export function confidenceFeatures(
  first: RankedCandidate,
  candidates: readonly RankedCandidate[],
  { adaptive, ranking }: Pick<Calibration, 'adaptive' | 'ranking'>,
): ConfidenceWeights {
  const isReranked = first.logit !== null;
  const unread = ranking.fused.logit * adaptive.unreadLogit;
  const scores = candidates.map(({ logit, fusedScore, evidenceScore, retrievalScore }) => {
    if (!isReranked) return retrievalScore;
    return logit === null ? evidenceScore + unread : fusedScore;
  });
  const nil = isReranked ? ranking.nil.fused : ranking.nil.retrieval;
  const rival = scores.slice(1).reduce((best, score) => Math.max(best, score), nil);
  const share = shareOfFirst(scores, nil);
  const namesakes = candidates.filter(({ exactAlias }) => exactAlias).length;
  const evidence = featuresOf(first, first.cosine, ranking.bm25Offset);
  return {
    bias: 1,
    logOdds: clipped(Math.log(share / Math.max(1 - share, 1e-9)), MOST_LOG_ODDS),
    lead: clipped((scores[0] ?? 0) - rival, MOST_LEAD),
    logit: first.logit ?? 0,
    similarity: evidence.similarity,
    exactTitle: evidence.exactTitle,
    exactAlias: evidence.exactAlias,
    bm25: evidence.bm25,
    namesakes: Math.log1p(namesakes),
    prior: evidence.prior,
    priorKnown: first.prior === null ? 0 : 1,
    priorMentions: Math.log1p(first.priorMentions),
  };
}

function weighed(features: ConfidenceWeights, weights: ConfidenceWeights): number {
  return CONFIDENCE_FEATURES.reduce((sum, name) => sum + weights[name] * features[name], 0);
}

function clipped(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}
