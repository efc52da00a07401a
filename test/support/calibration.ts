import {
  CONFIDENCE_FEATURES,
  type Calibration,
  type ConfidenceWeights,
} from '../../libs/model/manifest.js';
import { shippedManifest } from './golden.js';
import type { Candidate } from '../../libs/linking/stages.js';

const NO_EVIDENCE = {
  similarity: 0,
  exactTitle: 0,
  exactAlias: 0,
  bm25: 0,
  prior: 0,
  logPrior: 0,
};

/** All weights 0, but for those given. */
export function confidenceWeights(weights: Partial<ConfidenceWeights> = {}): ConfidenceWeights {
  const none = Object.fromEntries(CONFIDENCE_FEATURES.map((name) => [name, 0]));
  return { ...(none as ConfidenceWeights), ...weights };
}

/** A calibration in which scores are easily computed: retrieval is the similarity, fused is 22 times it plus the logit. */
export const CALIBRATION: Calibration = {
  ranking: {
    bm25Offset: 3,
    retrieval: { ...NO_EVIDENCE, similarity: 1 },
    fused: { ...NO_EVIDENCE, similarity: 22, logit: 1 },
    nil: { retrieval: -100, fused: -100 },
  },
  adaptive: { skipProbability: 0.99, waves: [4, 4, 8], logitBound: 0, unreadLogit: -4 },
  confidence: { reranked: confidenceWeights(), retrieved: confidenceWeights() },
  span: shippedManifest.calibration.span,
  nil: { threshold: 0.5, detected: 0.5 },
  precision: [
    { precision: 0.8, threshold: 0.4 },
    { precision: 0.95, threshold: 0.9 },
  ],
};

/** A candidate that only the dense list found, with scores as in `CALIBRATION`. */
export function denseCandidate(key: number, cosine: number): Candidate {
  return {
    key,
    cosine,
    lexicalRank: null,
    exactTitle: false,
    exactAlias: false,
    prior: null,
    priorMentions: 0,
    retrievalScore: cosine,
    evidenceScore: 22 * cosine,
    sources: ['dense'],
  };
}
