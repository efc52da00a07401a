import type { Pieces } from '../text/pieces.js';
import type { Span } from '../text/span.js';
import type { ModelManifest } from './manifest.js';

/** What the encoders read of an entity. */
export interface EntityText {
  readonly title: string;
  readonly aliases: readonly string[];
  readonly types: readonly string[];
  readonly description: string;
}

/** A mention of the text and an entity it may name, for the cross-encoder. */
export interface MentionPair {
  readonly span: Span;
  readonly entity: EntityText;
}

export interface LoadOptions {
  /** Threads of one matrix product; default: the machine's cores. */
  readonly threads?: number;
}

/** A model folder, loaded. Legend: M mentions, N entities, P pairs, D = manifest.dimensions. */
export class LinkingModel {
  private constructor(readonly manifest: ModelManifest) {}

  /** Loads and verifies a model folder; `model-invalid` where a file is missing, damaged or does not fit. */
  static load(_folder: string, _options: LoadOptions = {}): Promise<LinkingModel> {
    return Promise.reject(new Error('not built yet'));
  }

  tokenize(_text: string): Pieces {
    throw new Error('not built yet');
  }

  /** [M, D] row-major, L2-normalised, in the order of `spans`. A span without a piece gets a row of zeros. */
  encodeMentions(_pieces: Pieces, _spans: readonly Span[]): Promise<Float32Array> {
    return Promise.reject(new Error('not built yet'));
  }

  /** [N, D] row-major, L2-normalised. */
  encodeEntities(_entities: readonly EntityText[]): Promise<Float32Array> {
    return Promise.reject(new Error('not built yet'));
  }

  /** [P] logits, in the order given. */
  scorePairs(_pieces: Pieces, _pairs: readonly MentionPair[]): Promise<Float32Array> {
    return Promise.reject(new Error('not built yet'));
  }

  async close(): Promise<void> {}
}
