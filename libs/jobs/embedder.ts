import type { EntityRecord } from '../contract/entity.js';
import type { VectorTable } from '../kb/kb-store.js';
import { entityText } from '../linking/records.js';
import type { EntityText } from '../model/entity-text.js';

/** What an import needs of a model; `LinkingModel` is one. */
export interface EntityEncoder {
  readonly manifest: { readonly version: string; readonly dimensions: number };
  /** [N, D] row-major, L2-normalised, in the order given. */
  encodeEntities(entities: readonly EntityText[]): Promise<Float32Array>;
}

/** What is to have a vector. */
export interface Content {
  readonly contentHash: string;
  readonly text: EntityText;
}

/** Encodes in one call of the model, and stores the vectors. */
export async function embed(
  contents: readonly Content[],
  model: EntityEncoder,
  vectors: VectorTable,
): Promise<void> {
  const { version, dimensions } = model.manifest;
  const matrix = await model.encodeEntities(contents.map(({ text }) => text)); // [N, D]
  const rows = contents.map(({ contentHash }, row) => ({
    contentHash,
    vector: matrix.subarray(row * dimensions, (row + 1) * dimensions),
  }));
  await vectors.put(version, rows);
}

/** Entities gathered and sorted by length, so that a call has equal ones and little of its time goes into padding. */
const POOL = 512;
/** Bounds the memory where entities are huge. */
const POOL_CHARS = 4_000_000;
/** Entities of one call. Times the calls in flight, it is what a kill can lose and what a stopped import waits for. */
const CALL = 64;
/** While one is being computed another is laid out and a third is stored. */
const CALLS_IN_FLIGHT = 3;

export interface EmbedderHooks {
  /** Vectors were stored. */
  readonly onEncoded: () => void;
  /** Throws where no further call is to be started. */
  readonly assertGoingOn: () => void;
}

interface Waiting extends Content {
  /** In UTF-16 units: near enough to the model's pieces to sort by. */
  readonly length: number;
}

/**
 * Gives vectors to entities that have none under the model: what has one, or is under way, is not encoded again.
 * Every finished call is stored at once, so that an import that is killed goes on where it was.
 */
export class Embedder {
  /** Vectors made by this run. */
  encoded = 0;
  private waiting: Waiting[] = [];
  private waitingChars = 0;
  private readonly underWay = new Set<string>();
  private readonly calls = new Set<Promise<void>>();
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly model: EntityEncoder,
    private readonly vectors: VectorTable,
    private readonly hooks: EmbedderHooks,
  ) {}

  /** Entities handed over whose vector is not stored yet. */
  get pending(): number {
    return this.underWay.size;
  }

  /** Takes over entities; waits while enough calls are being computed. */
  async add(records: readonly EntityRecord[], hashes: readonly string[]): Promise<void> {
    const missing = await this.vectors.missing(this.model.manifest.version, hashes);
    for (const [index, record] of records.entries()) {
      const contentHash = hashes[index];
      if (contentHash === undefined || !missing.has(contentHash)) continue;
      if (this.underWay.has(contentHash)) continue;
      this.underWay.add(contentHash);
      const text = entityText(record);
      this.waiting.push({ contentHash, text, length: lengthOf(text) });
      this.waitingChars += record.description.length;
      if (this.waiting.length >= POOL || this.waitingChars >= POOL_CHARS) await this.startAll();
    }
    this.rethrow();
  }

  /** Waits for all that was handed over. */
  async finish(): Promise<void> {
    await this.startAll();
    await this.settle();
    this.rethrow();
  }

  /** Lets what is being computed be stored, and forgets the rest. Never fails. */
  async settle(): Promise<void> {
    this.waiting = [];
    await Promise.all(this.calls);
  }

  private async startAll(): Promise<void> {
    const pool = this.waiting.sort((a, b) => b.length - a.length);
    this.waiting = [];
    this.waitingChars = 0;
    for (let from = 0; from < pool.length; from += CALL) {
      while (this.calls.size >= CALLS_IN_FLIGHT) await Promise.race(this.calls);
      this.rethrow();
      this.hooks.assertGoingOn();
      this.start(pool.slice(from, from + CALL));
    }
  }

  private start(batch: readonly Waiting[]): void {
    const call: Promise<void> = this.encode(batch)
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.calls.delete(call));
    this.calls.add(call);
  }

  private async encode(batch: readonly Waiting[]): Promise<void> {
    await embed(batch, this.model, this.vectors);
    batch.forEach(({ contentHash }) => this.underWay.delete(contentHash));
    this.encoded += batch.length;
    this.hooks.onEncoded();
  }

  private rethrow(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}

function lengthOf({ title, aliases, types, description }: EntityText): number {
  const names = [...aliases.slice(0, SORTED_NAMES), ...types];
  return names.reduce((sum, name) => sum + name.length, title.length + description.length);
}

/** More names than this fill the model's input anyway. */
const SORTED_NAMES = 20;

/** What a model reads of an entity. */
