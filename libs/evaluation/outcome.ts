import type { StepTimings } from '../linking/stages.js';
import type { MatchCounts } from './metrics.js';

/** linkable: the gold entity is in the KB; nil: the gold says that nothing fits; unknown: its id is not in the KB. */
export type GoldKind = 'linkable' | 'nil' | 'unknown';

/** What became of one gold mention that was linked. */
export interface MentionOutcome {
  readonly gold: GoldKind;
  /** Place of the gold entity in the retrieved list, 0 is first; null where it is not in it. */
  readonly retrievedAt: number | null;
  /** The same after reranking. */
  readonly rerankedAt: number | null;
  readonly decidedNil: boolean;
  /** Probability that the first candidate is right, 0..1. */
  readonly confidence: number;
  readonly pairsScored: number;
}

/** Detected spans and links of one document against its gold. */
export interface DetectionOutcome {
  /** Spans that detect offered, before decide chose among overlapping ones. */
  readonly offered: MatchCounts;
  /** Spans of the answer's links. */
  readonly spans: MatchCounts;
  /** Spans with their entity, both in the KB. */
  readonly links: MatchCounts;
}

export interface DocumentOutcome {
  readonly mentions: readonly MentionOutcome[];
  /** Mentions that went through encode, retrieve and rerank, gold or not. */
  readonly linkedMentions: number;
  readonly pairsScored: number;
  readonly timings: StepTimings;
  readonly detection: DetectionOutcome | null;
}
