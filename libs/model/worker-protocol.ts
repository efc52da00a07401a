import type { EntityBatch, MentionBatch, PairBatch, TagBatch } from './engine.js';

/** Messages between the calling thread and the inference thread. */

export type WorkerRequest =
  | { readonly method: 'encodeMentions'; readonly batch: MentionBatch }
  | { readonly method: 'encodeEntities'; readonly batch: EntityBatch }
  | { readonly method: 'scorePairs'; readonly batch: PairBatch }
  | { readonly method: 'tagPieces'; readonly batch: TagBatch };

export type WorkerCall = WorkerRequest & { readonly id: number };

export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly values: Float32Array }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
