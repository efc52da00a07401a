/** Legend: B sequences of T ids (padded), M mentions, H hidden size, D dimensions of the vectors, S sparse features. */

/** Sequences of ids, padded to one width. */
export interface TokenBatch {
  /** [B, T] row-major. */
  readonly ids: Int32Array;
  /** [B]: ids of each row that are not padding. */
  readonly lengths: Int32Array;
}

export interface MentionBatch extends TokenBatch {
  /** [M]: the row of each mention. */
  readonly rows: Int32Array;
  /** [M]: its hidden states are `[firsts, ends)` of the row. */
  readonly firsts: Int32Array;
  readonly ends: Int32Array;
  /** [M, S] sparse features, 0 where there is none. */
  readonly features: Int32Array;
}

export interface EntityBatch extends TokenBatch {
  /** [B]: pieces of the title, which begins at 1. */
  readonly titlePieces: Int32Array;
  /** [B, S] sparse features, 0 where there is none. */
  readonly features: Int32Array;
}

export interface PairBatch extends TokenBatch {
  /** [B]: where the entity begins; token type 0 before, 1 from there. */
  readonly secondSegments: Int32Array;
}

export interface TagBatch extends TokenBatch {
  /** [B, T]: how each piece is written (`layout/word-shapes.ts`), 0 for what is no text. */
  readonly shapes: Int32Array;
  /** [B, T]: where names of the KB stand (`layout/name-marks.ts`). */
  readonly names: Int32Array;
}

/**
 * What runs the networks. Batches come laid out and padded; hidden states never leave the engine.
 * One call computes one batch; it fails with `model-invalid` where the model cannot compute it.
 */
export abstract class InferenceEngine {
  /** [M, D] L2-normalised: trunk, mention parts, mention head. */
  abstract encodeMentions(batch: MentionBatch): Promise<Float32Array>;
  /** [B, D] L2-normalised: trunk, entity parts, entity head. */
  abstract encodeEntities(batch: EntityBatch): Promise<Float32Array>;
  /** [B] logits of the cross-encoder. */
  abstract scorePairs(batch: PairBatch): Promise<Float32Array>;
  /** [B, T, 3] probabilities that a mention is not here, begins here, goes on here; fails without a tagger. */
  abstract tagPieces(batch: TagBatch): Promise<Float32Array>;
  abstract close(): Promise<void>;
}
