import type { EntityRecord } from '../contract/entity.js';
import type { VectorTable } from '../kb/kb-store.js';

/** What an import needs of a model; `LinkingModel` is one. */
export interface EntityEncoder {
  readonly manifest: { readonly version: string; readonly dimensions: number };
  /** [N, D] row-major, L2-normalised, in the order given. */
  encodeEntities(entities: readonly EncodedText[]): Promise<Float32Array>;
}

interface EncodedText {
  readonly title: string;
  readonly aliases: readonly string[];
  readonly types: readonly string[];
  readonly description: string;
}

/** Entities of one call: the model sorts them by length, so that little of its time goes into padding. */
const BATCH = 512;
/** Bounds the memory where entities are huge. */
const BATCH_CHARS = 4_000_000;
/** While one batch is being computed the next is laid out. */
const CALLS_IN_FLIGHT = 2;

interface Waiting {
  readonly contentHash: string;
  readonly text: EncodedText;
}

/**
 * Gives vectors to entities that have none under the model: what has one, or is under way, is not encoded again.
 * Every finished batch is stored at once, so that an import that is killed goes on where it was.
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
    private readonly onEncoded: () => void,
  ) {}

  /** Entities handed over whose vector is not stored yet. */
  get pending(): number {
    return this.underWay.size;
  }

  /** Takes over entities; waits while enough batches are being computed. */
  async add(records: readonly EntityRecord[], hashes: readonly string[]): Promise<void> {
    const missing = await this.vectors.missing(this.model.manifest.version, hashes);
    for (const [index, record] of records.entries()) {
      const contentHash = hashes[index];
      if (contentHash === undefined || !missing.has(contentHash)) continue;
      if (this.underWay.has(contentHash)) continue;
      this.underWay.add(contentHash);
      this.waiting.push({ contentHash, text: textOf(record) });
      this.waitingChars += record.description.length;
      if (this.waiting.length >= BATCH || this.waitingChars >= BATCH_CHARS) await this.start();
    }
    this.rethrow();
  }

  /** Waits for all that was handed over. */
  async finish(): Promise<void> {
    await this.start();
    await this.settle();
    this.rethrow();
  }

  /** Lets what is being computed be stored, and forgets the rest. Never fails. */
  async settle(): Promise<void> {
    this.waiting = [];
    await Promise.all(this.calls);
  }

  private async start(): Promise<void> {
    while (this.calls.size >= CALLS_IN_FLIGHT) await Promise.race(this.calls);
    this.rethrow();
    const batch = this.waiting;
    this.waiting = [];
    this.waitingChars = 0;
    if (batch.length === 0) return;
    const call: Promise<void> = this.encode(batch)
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.calls.delete(call));
    this.calls.add(call);
  }

  private async encode(batch: readonly Waiting[]): Promise<void> {
    const { version, dimensions } = this.model.manifest;
    const matrix = await this.model.encodeEntities(batch.map(({ text }) => text)); // [N, D]
    const rows = batch.map(({ contentHash }, row) => ({
      contentHash,
      vector: matrix.subarray(row * dimensions, (row + 1) * dimensions),
    }));
    await this.vectors.put(version, rows);
    batch.forEach(({ contentHash }) => this.underWay.delete(contentHash));
    this.encoded += batch.length;
    this.onEncoded();
  }

  private rethrow(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}

function textOf({ title, aliases, types, description }: EntityRecord): EncodedText {
  return { title, aliases: aliases.map(({ name }) => name), types, description };
}
