import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pieces } from '../text/pieces.js';
import { WordPiece } from '../text/wordpiece.js';
import { ReferentError } from '../contract/errors.js';
import { BatchQueue, type BatchStep, type Demand } from './batch-queue.js';
import type { Lane } from '../contract/jobs.js';
import {
  entityBatches,
  mentionBatches,
  pairBatches,
  tagBatches,
  type MentionPair,
  type MentionSpan,
  type PlacedBatch,
  type TextToTag,
} from './batches.js';
import type { InferenceEngine, TagBatch } from './engine.js';
import type { EntityText } from './entity-text.js';
import { EntityLayout } from './layout/entity-layout.js';
import { TAGS } from './layout/tag-windows.js';
import type { ModelManifest } from './manifest.js';
import { CachedLayout } from './cached-layout.js';
import { inputDigest } from './input-digest.js';
import type { CallName, ModelCache } from './model-cache.js';
import { openModelFolder, releaseOf } from './model-folder.js';
import { WorkerEngine } from './worker-engine.js';

export type { EntityText } from './entity-text.js';
export type { MentionPair, MentionSpan } from './batches.js';

export interface LoadOptions {
  /** Threads inside one operator; default: the machine's cores. */
  readonly threads?: number;
  /** Keeps what was computed; default: nothing is kept. */
  readonly cache?: ModelCache | null;
}

/** Units tokenised in one turn of the event loop: 2 to 5 ms. */
const TURN_UNITS = 65_536;
const QUEUE = { inFlight: 2, requests: 1_000 } as const;
/** Calls about longer texts are not kept: their digest alone would hold the event loop for milliseconds. */
const MOST_CACHED_PIECES = 100_000;

/**
 * A model folder, loaded: a compound dual encoder (Gillick et al. 2019; Dong et al. 2022 for the shared
 * projection) and a cross-encoder over pairs (Wu et al. 2019). Layouts are those of the model card.
 * Legend: M mentions, N entities, P pairs, D = manifest.dimensions.
 *
 * Tokenising and layout run on the calling thread in short steps, networks in the inference thread.
 * Calls of the batch lane wait while interactive ones have anything to compute, but for one batch in nine.
 * A call about a text that was made with the same input before may be answered from the cache: nobody may change an
 * answer. Entities are encoded anew whenever that is asked for.
 * Every call may fail with `busy` (too many requests wait), `not-ready` (the thread died; repeat the call,
 * or the model is closed) and `model-invalid` (the graphs cannot compute the batch).
 */
export class LinkingModel {
  private readonly queue = new BatchQueue(QUEUE);
  private readonly entityLayout: EntityLayout;

  /** What a knowledge base is told of the model: its vectors, and the name that answers give. */
  readonly identity: Readonly<Record<'version' | 'release', string> & { dimensions: number }>;

  private constructor(
    readonly manifest: ModelManifest,
    private readonly tokenizer: WordPiece,
    private readonly engine: InferenceEngine,
    private readonly cache: ModelCache | null,
  ) {
    this.entityLayout = new EntityLayout(tokenizer, manifest.limits, manifest.ids);
    const { version, dimensions } = manifest;
    this.identity = { version, dimensions, release: releaseOf(manifest) };
  }

  /** Loads and verifies a model folder; `model-invalid` where a file is missing, damaged or does not fit. */
  static async load(folder: string, options: LoadOptions = {}): Promise<LinkingModel> {
    const { manifest, vocabulary, paths } = await openModelFolder(folder);
    const threads = options.threads ?? availableParallelism();
    const engine = await WorkerEngine.start({ ...paths, threads });
    const model = new LinkingModel(
      manifest,
      new WordPiece(vocabulary),
      engine,
      options.cache ?? null,
    );
    await model.checkDimensions(folder);
    return model;
  }

  /** Pieces of a text with UTF-16 offsets, without special ids: about 30 million units a second. */
  tokenize(text: string): Pieces {
    return this.tokenizer.tokenize(text);
  }

  /** The same, letting the event loop turn every few milliseconds: for texts of any length. */
  async tokenizeInTurns(text: string): Promise<Pieces> {
    const reader = this.tokenizer.reader(text);
    for (let to = TURN_UNITS; !reader.readTo(to); to += TURN_UNITS) await nextTurn();
    return reader.finish();
  }

  /**
   * [M, D] row-major, L2-normalised, in the order of `spans`: one trunk pass a window for all its mentions.
   * A span that covers no piece (white space, control characters) gets a row of zeros.
   */
  encodeMentions(
    pieces: Pieces,
    spans: readonly MentionSpan[],
    lane: Lane = 'interactive',
  ): Promise<Float32Array> {
    const input = () => spans.map(({ start, end, surface }) => [start, end, surface]);
    return this.cached('mentions', { pieces, input, lane }, () => {
      const rows = new Rows(spans.length, this.manifest.dimensions);
      const batches = mentionBatches(pieces, spans, this.manifest);
      return this.answer(batches, (batch) => this.engine.encodeMentions(batch), { rows, lane });
    });
  }

  /** [N, D] row-major, L2-normalised, in the order of `entities`. */
  encodeEntities(
    entities: readonly EntityText[],
    lane: Lane = 'interactive',
  ): Promise<Float32Array> {
    const rows = new Rows(entities.length, this.manifest.dimensions);
    const batches = entityBatches(entities, this.entityLayout, this.manifest);
    return this.answer(batches, (batch) => this.engine.encodeEntities(batch), { rows, lane });
  }

  /** [P] logits in the order of `pairs`; a correction of the retrieval score, see `manifest.calibration.fused`. */
  scorePairs(
    pieces: Pieces,
    pairs: readonly MentionPair[],
    lane: Lane = 'interactive',
  ): Promise<Float32Array> {
    const layout = this.layoutFor(lane);
    const input = () =>
      pairs.map(({ span, entity }) => [span.start, span.end, layout.digestOf(entity)]);
    return this.cached('pairs', { pieces, input, lane }, () => {
      const rows = new Rows(pairs.length, 1);
      const batches = pairBatches(pieces, pairs, layout, this.manifest);
      return this.answer(batches, (batch) => this.engine.scorePairs(batch), { rows, lane });
    });
  }

  /**
   * [N, 3] row-major: how likely each of the text's N pieces is outside every mention, begins one, goes on in one
   * (Ramshaw and Marcus 1995); null where the model has no tagger. Windows over the whole text, between which the
   * call can be aborted.
   */
  async tag(
    text: TextToTag,
    signal?: AbortSignal,
    lane: Lane = 'interactive',
  ): Promise<Float32Array | null> {
    const { tagger } = this.manifest;
    if (tagger === undefined) return null;
    const { pieces, names } = text;
    if (pieces.ids.length === 0) return new Float32Array(0);
    const input = () => [text.text, names.map(({ start, end }) => [start, end])];
    const compute = (batch: TagBatch) => {
      signal?.throwIfAborted();
      return this.engine.tagPieces(batch);
    };
    return this.cached('tag', { pieces, input, lane }, () => {
      const rows = new Rows(pieces.ids.length, TAGS);
      return this.answer(tagBatches(text, tagger, this.manifest), compute, { rows, lane });
    });
  }

  /** How much is asked of it now. */
  get demand(): Demand {
    return this.queue.demand;
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  /** The answer of the same call made before, or of this one. `input` is all that it depends on besides the pieces. */
  private cached(
    name: CallName,
    { pieces, input, lane }: CachedCall,
    compute: () => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const { cache, identity } = this;
    if (cache === null || pieces.ids.length > MOST_CACHED_PIECES) return compute();
    const digest = inputDigest([identity.release, input()], pieces);
    return cache.call({ name, digest, lane }, compute);
  }

  private layoutFor(lane: Lane): CachedLayout {
    const { entityLayout: layout, cache, identity, manifest } = this;
    const { entityDescriptionChars: descriptionChars } = manifest.limits;
    return new CachedLayout({ layout, cache, release: identity.release, descriptionChars, lane });
  }

  private async answer<Batch>(
    batches: Iterable<PlacedBatch<Batch>>,
    compute: (batch: Batch) => Promise<Float32Array>,
    { rows, lane }: { readonly rows: Rows; readonly lane: Lane },
  ): Promise<Float32Array> {
    function* steps(): Generator<BatchStep> {
      for (const { batch, places } of batches) {
        yield async () => {
          rows.put(places, await compute(batch));
        };
      }
    }
    await this.queue.run(steps(), lane);
    return rows.values;
  }

  /** Runs one entity, which also warms the graphs up. */
  private async checkDimensions(folder: string): Promise<void> {
    const entity = { title: 'x', aliases: [], types: [], description: '' };
    const [first] = entityBatches([entity], this.entityLayout, this.manifest);
    const vector = first ? await this.engine.encodeEntities(first.batch) : new Float32Array(0);
    if (vector.length === this.manifest.dimensions) return;
    await this.close();
    throw new ReferentError(
      'model-invalid',
      `${folder}: manifest.json says ${this.manifest.dimensions} dimensions, the graphs give ${vector.length}`,
    );
  }
}

interface CachedCall {
  readonly pieces: Pieces;
  readonly input: () => unknown;
  readonly lane: Lane;
}

/** Rows of one request's answer, filled batch by batch. */
class Rows {
  readonly values: Float32Array;

  constructor(
    count: number,
    private readonly width: number,
  ) {
    this.values = new Float32Array(count * width);
  }

  put(places: readonly number[], computed: Float32Array): void {
    places.forEach((place, i) => {
      if (place < 0) return;
      const row = computed.subarray(i * this.width, (i + 1) * this.width);
      this.values.set(row, place * this.width);
    });
  }
}
