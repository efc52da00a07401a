import type { Span } from '../text/span.js';
import type { SurfaceForm } from './surface-form.js';

/** What each of the five steps hands on: text → detect → encode → retrieve → rerank → decide → links. */

export type MentionSource = 'given' | 'gazetteer' | 'tagger' | 'compromise';

/** detect: `text.slice(start, end) === surface`. */
export interface Mention extends Span {
  readonly surface: string;
  readonly source: MentionSource;
  /** How likely the span is a mention at all, 0..1; 1 for given spans. */
  readonly spanProbability: number;
  /** The tagger's probability of exactly this span, 0..1; null where it was not asked. */
  readonly tagProbability: number | null;
  /**
   * How often the surface occurs in labelled texts, and how often as a mention; null where it never does, and for
   * given spans.
   */
  readonly keyphraseness: { readonly marked: number; readonly seen: number } | null;
}

/** A span that detect found, before anything says how likely it is a mention. */
export interface FoundMention extends Omit<Mention, 'spanProbability'> {
  /** How a name of the KB is written; null for spans that are no name of it. */
  readonly form: SurfaceForm | null;
  /** Mean probability of its pieces to be in some mention, 0..1; null where the tagger was not asked. */
  readonly insideProbability: number | null;
}

export type CandidateSource = 'dense' | 'alias' | 'lexical';

/** retrieve: one of at most 100 candidates of a mention. */
export interface Candidate {
  readonly key: number;
  /** Dot product of mention and entity vector, -1..1. */
  readonly cosine: number;
  /** Rank of the BM25 hit, 0 best; null where BM25 did not find it. */
  readonly lexicalRank: number | null;
  /** The surface is its title; then `exactAlias` too. */
  readonly exactTitle: boolean;
  /** The surface is one of its names, or labelled texts call it so. */
  readonly exactAlias: boolean;
  /** P(entity | surface), 0..1, from labelled texts and given priors (`priors.ts`); null where neither says anything. */
  readonly prior: number | null;
  /** Labelled mentions that the prior rests on: all of the surface, of whatever entity; 0 where nothing was learned. */
  readonly priorMentions: number;
  /** The model's weighing of all the above, in log-odds (`ranking.ts`): the order before reranking. */
  readonly retrievalScore: number;
  /** The same as it is added to the cross-encoder's logit. */
  readonly evidenceScore: number;
  readonly sources: readonly CandidateSource[];
}

/** retrieve: a mention with its candidates, best retrieval score first. */
export interface RetrievedMention {
  readonly mention: Mention;
  readonly candidates: readonly Candidate[];
}

/** rerank: the same candidate with the cross-encoder's word on it, where it was asked. */
export interface RankedCandidate extends Candidate {
  /** The cross-encoder's logit; null where the pair was not scored. */
  readonly logit: number | null;
  /**
   * The model's fusion of logit and evidence, in log-odds: the final order among scored candidates.
   * Where the pair was not scored, the evidence alone.
   */
  readonly fusedScore: number;
}

export interface RankedMention {
  readonly mention: Mention;
  /** Best first: scored pairs by fused score, then the rest by retrieval score. */
  readonly candidates: readonly RankedCandidate[];
  readonly pairsScored: number;
}

/** decide: `key` null is NIL, nothing in the KB fits. */
export interface Decision {
  readonly ranked: RankedMention;
  readonly key: number | null;
  /** Calibrated probability that the first candidate is right, 0..1; for NIL it is that candidate's too. */
  readonly confidence: number;
}

export type RerankMode = 'adaptive' | 'full' | 'none';
export const STEPS = ['detect', 'encode', 'retrieve', 'rerank', 'decide'] as const;
export type Step = (typeof STEPS)[number];
/** Milliseconds by step. */
export type StepTimings = Readonly<Record<Step, number>>;
