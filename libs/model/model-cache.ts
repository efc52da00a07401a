import { LRUCache } from 'lru-cache';
import type { Lane } from '../contract/jobs.js';
import type { EntityIds } from './layout/entity-layout.js';

/** What is kept, by what it is of: answers of whole model calls, and entities as ids. Nobody may change a kept value. */
interface Kept {
  readonly tag: Float32Array;
  readonly mentions: Float32Array;
  readonly pairs: Float32Array;
  readonly entity: EntityIds;
}

export const CACHES = ['tag', 'mentions', 'pairs', 'entity'] as const satisfies (keyof Kept)[];
export type CacheName = (typeof CACHES)[number];
/** Caches of whole calls of the model. */
export type CallName = Exclude<CacheName, 'entity'>;

export interface CacheState {
  /** Answers that took no computing; one that waited for an equal call under way is one too. */
  readonly hits: Readonly<Record<CacheName, number>>;
  readonly misses: Readonly<Record<CacheName, number>>;
  /** Of what is kept, by estimate. */
  readonly bytes: number;
}

export interface CacheKey<Name extends CacheName> {
  readonly name: Name;
  /** Names the content, and the model with it. */
  readonly digest: string;
  readonly lane: Lane;
}

/** Key, bookkeeping and the object around a value. */
const ENTRY_BYTES = 400;
/** The batch lane's part of the room: a job of a million texts must not push out what people ask for. */
const BATCH_SHARE = 0.25;

/**
 * What was computed last, by its exact input, in bounded memory: the least recently used goes first. One for all models
 * of a process. Either lane finds what the other has kept, and keeps its own in its own part.
 */
export class ModelCache {
  private readonly lanes: Readonly<Record<Lane, LRUCache<string, Kept[CacheName]>>>;
  private readonly running = new Map<string, Promise<Float32Array>>();
  private readonly hits = noCounts();
  private readonly misses = noCounts();

  /** `maxBytes` of both lanes together, at least some hundred. */
  constructor(maxBytes: number) {
    const room = (share: number) =>
      new LRUCache<string, Kept[CacheName]>({
        maxSize: Math.max(1, Math.floor(maxBytes * share)),
        sizeCalculation: bytesOf,
      });
    this.lanes = { interactive: room(1 - BATCH_SHARE), batch: room(BATCH_SHARE) };
  }

  get state(): CacheState {
    const { interactive, batch } = this.lanes;
    const bytes = interactive.calculatedSize + batch.calculatedSize;
    return { hits: { ...this.hits }, misses: { ...this.misses }, bytes };
  }

  /** The kept answer; else that of an equal call of the lane that is under way; else it is computed and kept. */
  async call(key: CacheKey<CallName>, compute: () => Promise<Float32Array>): Promise<Float32Array> {
    const kept = this.find(key);
    if (kept !== undefined) return this.hit(key.name, kept);
    const place = `${key.lane} ${placeOf(key)}`;
    const running = this.running.get(place);
    if (running === undefined) return this.computed(key, place, compute);
    // Where the other call fails (its caller may have left), this one is made after all.
    const shared = await running.catch(() => null);
    return shared === null ? this.call(key, compute) : this.hit(key.name, shared);
  }

  /** The same for an entity. */
  entity(key: CacheKey<'entity'>, lay: () => EntityIds): EntityIds {
    const kept = this.find(key);
    if (kept !== undefined) return this.hit('entity', kept);
    this.misses.entity += 1;
    const laid = lay();
    this.lanes[key.lane].set(placeOf(key), laid);
    return laid;
  }

  private async computed(
    key: CacheKey<CallName>,
    place: string,
    compute: () => Promise<Float32Array>,
  ): Promise<Float32Array> {
    this.misses[key.name] += 1;
    const running = compute();
    this.running.set(place, running);
    try {
      const values = await running;
      this.lanes[key.lane].set(placeOf(key), values);
      return values;
    } finally {
      this.running.delete(place);
    }
  }

  private find<Name extends CacheName>(key: CacheKey<Name>): Kept[Name] | undefined {
    const { interactive, batch } = this.lanes;
    const [own, other] = key.lane === 'batch' ? [batch, interactive] : [interactive, batch];
    const place = placeOf(key);
    // The name is part of the place, so that what stands there is of its kind.
    return (own.get(place) ?? other.peek(place)) as Kept[Name] | undefined;
  }

  private hit<T>(name: CacheName, value: T): T {
    this.hits[name] += 1;
    return value;
  }
}

function placeOf({ name, digest }: CacheKey<CacheName>): string {
  return `${name} ${digest}`;
}

function bytesOf(value: Kept[CacheName]): number {
  if (value instanceof Float32Array) return ENTRY_BYTES + value.byteLength;
  return ENTRY_BYTES + value.ids.byteLength + 8 * value.features.length;
}

function noCounts(): Record<CacheName, number> {
  return { tag: 0, mentions: 0, pairs: 0, entity: 0 };
}
