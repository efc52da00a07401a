import { availableParallelism } from 'node:os';
import type { Pieces } from '../text/pieces.js';
import type { Span } from '../text/span.js';
import { WordPiece } from '../text/wordpiece.js';
import { ReferentError } from '../contract/errors.js';
import { BatchQueue, type BatchStep } from './batch-queue.js';
import type { InferenceEngine } from './engine.js';
import type { EntityText } from './entity-text.js';
import { EntityLayout, type EntityIds } from './layout/entity-layout.js';
import { packByLength } from './layout/packing.js';
import { layContext, pairLength, writePair, type MentionContext } from './layout/pair-layout.js';
import { piecesOf } from './layout/piece-range.js';
import { layWindows, writeWindow, type Window } from './layout/windows.js';
import type { ModelManifest } from './manifest.js';
import { openModelFolder } from './model-folder.js';
import { padded } from './padded.js';
import { WorkerEngine } from './worker-engine.js';

export type { EntityText } from './entity-text.js';

/** A mention of the text and an entity it may name, for the cross-encoder. */
export interface MentionPair {
  readonly span: Span;
  readonly entity: EntityText;
}

export interface LoadOptions {
  /** Threads inside one operator; default: the machine's cores. */
  readonly threads?: number;
}

/** Padded tokens of one batch: larger ones are no faster, and make others wait longer. */
const BATCH_TOKENS = 2_048;
/** Items laid out and sorted by length at a time: enough to pad little, few enough to take only milliseconds. */
const CHUNK = 256;
const SPAN_CHUNK = 4_096;
const MENTIONS_PER_WINDOW = 128;
const QUEUE = { inFlight: 2, requests: 1_000 } as const;

/**
 * A model folder, loaded: a compound dual encoder (Gillick et al. 2019; Dong et al. 2022 for the shared
 * projection) and a cross-encoder over pairs (Wu et al. 2019). Layouts are those of the model card.
 * Legend: M mentions, N entities, P pairs, D = manifest.dimensions.
 *
 * Tokenising and layout run on the calling thread in short steps, networks in the inference thread.
 * Every call may fail with `busy` (too many requests wait), `not-ready` (the thread died; repeat the call,
 * or the model is closed) and `model-invalid` (the graphs cannot compute the batch).
 */
export class LinkingModel {
  private readonly queue = new BatchQueue(QUEUE);
  private readonly entityLayout: EntityLayout;

  private constructor(
    readonly manifest: ModelManifest,
    private readonly tokenizer: WordPiece,
    private readonly engine: InferenceEngine,
  ) {
    this.entityLayout = new EntityLayout(tokenizer, manifest.limits, manifest.ids);
  }

  /** Loads and verifies a model folder; `model-invalid` where a file is missing, damaged or does not fit. */
  static async load(folder: string, options: LoadOptions = {}): Promise<LinkingModel> {
    const { manifest, vocabulary, paths } = await openModelFolder(folder);
    const threads = options.threads ?? availableParallelism();
    const engine = await WorkerEngine.start({ ...paths, threads });
    const model = new LinkingModel(manifest, new WordPiece(vocabulary), engine);
    await model.checkDimensions(folder);
    return model;
  }

  /** Pieces of a text with UTF-16 offsets, without special ids. About 30 MB a second. */
  tokenize(text: string): Pieces {
    return this.tokenizer.tokenize(text);
  }

  /**
   * [M, D] row-major, L2-normalised, in the order of `spans`: one trunk pass a window for all its mentions.
   * A span that covers no piece (white space, control characters) gets a row of zeros.
   */
  async encodeMentions(pieces: Pieces, spans: readonly Span[]): Promise<Float32Array> {
    const vectors = new Float32Array(spans.length * this.manifest.dimensions);
    await this.queue.run(this.mentionSteps(pieces, spans, vectors));
    return vectors;
  }

  /** [N, D] row-major, L2-normalised, in the order of `entities`. */
  async encodeEntities(entities: readonly EntityText[]): Promise<Float32Array> {
    const vectors = new Float32Array(entities.length * this.manifest.dimensions);
    await this.queue.run(this.entitySteps(entities, vectors));
    return vectors;
  }

  /** [P] logits in the order of `pairs`; a correction of the retrieval score, see `manifest.calibration.fused`. */
  async scorePairs(pieces: Pieces, pairs: readonly MentionPair[]): Promise<Float32Array> {
    const logits = new Float32Array(pairs.length);
    await this.queue.run(this.pairSteps(pieces, pairs, logits));
    return logits;
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  private *mentionSteps(
    pieces: Pieces,
    spans: readonly Span[],
    vectors: Float32Array,
  ): Generator<BatchStep> {
    const { limits } = this.manifest;
    for (let from = 0; from < spans.length; from += SPAN_CHUNK) {
      const ranges = spans.slice(from, from + SPAN_CHUNK).map((span) => piecesOf(pieces, span));
      const windows = layWindows(ranges, pieces.ids.length, limits, MENTIONS_PER_WINDOW);
      const lengths = windows.map((window) => window.length);
      for (const rows of packByLength(lengths, BATCH_TOKENS)) {
        const batch = pick(windows, rows);
        yield () => this.encodeWindows(batch, pieces, (index) => this.row(vectors, from + index));
      }
    }
  }

  private async encodeWindows(
    windows: readonly Window[],
    pieces: Pieces,
    rowOf: (mention: number) => Float32Array,
  ): Promise<void> {
    const lengths = windows.map((window) => window.length);
    const tokens = padded(lengths, this.manifest.ids.pad, (row, i) => {
      const window = windows[i];
      if (window) writeWindow(row, window, pieces.ids, this.manifest);
    });
    const mentions = windows.flatMap((window, row) => window.mentions.map((m) => ({ ...m, row })));
    const encoded = await this.engine.encodeMentions({
      ...tokens,
      rows: Int32Array.from(mentions, (mention) => mention.row),
      firsts: Int32Array.from(mentions, (mention) => mention.first),
      ends: Int32Array.from(mentions, (mention) => mention.end),
    });
    mentions.forEach((mention, i) => {
      rowOf(mention.index).set(this.row(encoded, i));
    });
  }

  private *entitySteps(
    entities: readonly EntityText[],
    vectors: Float32Array,
  ): Generator<BatchStep> {
    for (let from = 0; from < entities.length; from += CHUNK) {
      const laid = entities
        .slice(from, from + CHUNK)
        .map((entity) => this.entityLayout.lay(entity));
      const lengths = laid.map(({ ids }) => ids.length);
      for (const rows of packByLength(lengths, BATCH_TOKENS)) {
        const batch = pick(laid, rows);
        yield () => this.encodeLaidEntities(batch, (i) => this.row(vectors, from + (rows[i] ?? 0)));
      }
    }
  }

  private async encodeLaidEntities(
    laid: readonly EntityIds[],
    rowOf: (entity: number) => Float32Array,
  ): Promise<void> {
    const lengths = laid.map(({ ids }) => ids.length);
    const tokens = padded(lengths, this.manifest.ids.pad, (row, i) => {
      row.set(laid[i]?.ids ?? []);
    });
    const titlePieces = Int32Array.from(laid, (entity) => entity.titlePieces);
    const encoded = await this.engine.encodeEntities({ ...tokens, titlePieces });
    laid.forEach((_, i) => {
      rowOf(i).set(this.row(encoded, i));
    });
  }

  private *pairSteps(
    pieces: Pieces,
    pairs: readonly MentionPair[],
    logits: Float32Array,
  ): Generator<BatchStep> {
    const layout = new PairLayouts(pieces, this.manifest, this.entityLayout);
    for (let from = 0; from < pairs.length; from += CHUNK) {
      const laid = pairs.slice(from, from + CHUNK).map((pair) => layout.lay(pair));
      const lengths = laid.map(({ context, entity }) => pairLength(context, entity));
      for (const rows of packByLength(lengths, BATCH_TOKENS)) {
        const batch = pick(laid, rows);
        yield async () => {
          const scored = await this.scoreLaidPairs(batch);
          rows.forEach((row, i) => {
            logits[from + row] = scored[i] ?? Number.NaN;
          });
        };
      }
    }
  }

  private scoreLaidPairs(laid: readonly LaidPair[]): Promise<Float32Array> {
    const { ids } = this.manifest;
    const lengths = laid.map(({ context, entity }) => pairLength(context, entity));
    const secondSegments = new Int32Array(laid.length);
    const tokens = padded(lengths, ids.pad, (row, i) => {
      const pair = laid[i];
      if (pair) secondSegments[i] = writePair(row, pair.context, pair.entity, ids);
    });
    return this.engine.scorePairs({ ...tokens, secondSegments });
  }

  private row(matrix: Float32Array, index: number): Float32Array {
    const { dimensions } = this.manifest;
    return matrix.subarray(index * dimensions, (index + 1) * dimensions);
  }

  /** Runs one entity, which also warms the graphs up. */
  private async checkDimensions(folder: string): Promise<void> {
    const { ids, titlePieces } = this.entityLayout.lay({
      title: 'x',
      aliases: [],
      types: [],
      description: '',
    });
    const vector = await this.engine.encodeEntities({
      ids: ids.slice(),
      lengths: Int32Array.of(ids.length),
      titlePieces: Int32Array.of(titlePieces),
    });
    if (vector.length === this.manifest.dimensions) return;
    await this.close();
    throw new ReferentError(
      'model-invalid',
      `${folder}: manifest.json says ${this.manifest.dimensions} dimensions, the graphs give ${vector.length}`,
    );
  }
}

interface LaidPair {
  readonly context: MentionContext;
  readonly entity: EntityIds;
}

/** Lays out pairs of one text; mentions and entities that come again are laid out once. */
class PairLayouts {
  private readonly contexts = new Map<string, MentionContext>();
  private readonly entities = new Map<EntityText, EntityIds>();

  constructor(
    private readonly pieces: Pieces,
    private readonly manifest: ModelManifest,
    private readonly entityLayout: EntityLayout,
  ) {}

  lay({ span, entity }: MentionPair): LaidPair {
    return { context: this.contextOf(span), entity: this.entityOf(entity) };
  }

  private contextOf(span: Span): MentionContext {
    const key = `${span.start}:${span.end}`;
    let context = this.contexts.get(key);
    if (!context) {
      const { limits, ids } = this.manifest;
      context = layContext(this.pieces.ids, piecesOf(this.pieces, span), limits, ids);
      this.contexts.set(key, context);
    }
    return context;
  }

  private entityOf(entity: EntityText): EntityIds {
    let laid = this.entities.get(entity);
    if (!laid) {
      laid = this.entityLayout.lay(entity);
      this.entities.set(entity, laid);
    }
    return laid;
  }
}

function pick<T>(items: readonly T[], indexes: readonly number[]): T[] {
  return indexes.flatMap((index) => {
    const item = items[index];
    return item === undefined ? [] : [item];
  });
}
