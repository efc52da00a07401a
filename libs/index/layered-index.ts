import type { BaseIndex } from './base-index.js';
import { BestMatches } from './best-matches.js';
import { ExactIndex } from './exact-index.js';
import { assertPage, rowCount } from './shapes.js';
import { VectorIndex, type Neighbours } from './vector-index.js';

/** Above this two unit vectors are the same but for rounding. */
const SAME_COSINE = 1 - 1e-6;

/**
 * An immutable base (a snapshot, or none yet) under an exact delta in memory, which holds what was added or replaced
 * since; keys of the base that were replaced or removed are hidden. This is what the service searches.
 */
export class LayeredIndex extends VectorIndex {
  private readonly delta: ExactIndex;
  /** Keys of the base that no longer count. */
  private readonly hidden = new Set<number>();

  constructor(
    readonly dimensions: number,
    private readonly base: BaseIndex | null,
  ) {
    super();
    this.delta = new ExactIndex(dimensions);
  }

  get size(): number {
    return (this.base?.size ?? 0) - this.hidden.size + this.delta.size;
  }

  /** How many keys differ from the base: past some thousands a new snapshot pays, as the delta is searched one by one. */
  get changes(): number {
    return this.delta.size + this.hidden.size;
  }

  has(key: number): boolean {
    return this.delta.has(key) || this.inBase(key);
  }

  search(queries: Float32Array, k: number): readonly Neighbours[] {
    const recent = this.delta.search(queries, k);
    if (this.base === null) return recent;
    const stored = this.searchBase(this.base, queries, k);
    return recent.map((found, query) => merge(found, stored[query], k));
  }

  cosines(query: Float32Array, keys: readonly number[]): Float32Array {
    const cosines = this.delta.cosines(query, keys);
    if (this.base === null) return cosines;
    const places = [...keys.keys()].filter((i) => this.isOnlyInBase(keys[i]));
    const stored = this.base.cosines(
      query,
      places.map((i) => keys[i] ?? NaN),
    );
    for (const [n, place] of places.entries()) cosines[place] = stored[n] ?? NaN;
    return cosines;
  }

  /** A vector that the base has already stays there: an entity on the change feed may have changed in names alone. */
  upsert(keys: readonly number[], vectors: Float32Array): void {
    assertPage(keys, vectors, this.dimensions);
    const width = this.dimensions;
    for (const [i, key] of keys.entries()) {
      const vector = vectors.subarray(i * width, (i + 1) * width);
      if (this.isAsInBase(key, vector)) continue;
      this.delta.upsert([key], vector);
      this.hide([key]);
    }
  }

  remove(keys: readonly number[]): void {
    this.delta.remove(keys);
    this.hide(keys);
  }

  close(): void {
    this.delta.close();
    this.base?.close();
  }

  private isAsInBase(key: number, vector: Float32Array): boolean {
    if (!this.isOnlyInBase(key) || this.base?.has(key) !== true) return false;
    return (this.base.cosines(vector, [key])[0] ?? NaN) > SAME_COSINE;
  }

  private hide(keys: readonly number[]): void {
    for (const key of keys) if (this.base?.has(key) === true) this.hidden.add(key);
  }

  private inBase(key: number): boolean {
    return !this.hidden.has(key) && this.base?.has(key) === true;
  }

  private isOnlyInBase(key: number | undefined): boolean {
    return key !== undefined && !this.delta.has(key) && !this.hidden.has(key);
  }

  private searchBase(base: BaseIndex, queries: Float32Array, k: number): readonly Neighbours[] {
    rowCount(queries, this.dimensions, 'The queries');
    const fetch = k + Math.min(this.hidden.size, k);
    const width = this.dimensions;
    return base.search(queries, fetch).map((found, i) => {
      const query = queries.subarray(i * width, (i + 1) * width);
      return this.visible({ base, query, k, fetch, found });
    });
  }

  /** What of `found` is not hidden; asks for twice as many while hidden keys have crowded out too many. */
  private visible(search: {
    base: BaseIndex;
    query: Float32Array;
    k: number;
    fetch: number;
    found: Neighbours;
  }): Neighbours {
    const { base, query, k, found } = search;
    const seen = found.keys.filter((key) => !this.hidden.has(key));
    const isAll = search.fetch >= base.size;
    if (seen.length >= k || isAll) return this.withoutHidden(found);
    const fetch = Math.min(base.size, search.fetch * 2);
    const [wider] = base.search(query, fetch);
    return wider === undefined
      ? this.withoutHidden(found)
      : this.visible({ base, query, k, fetch, found: wider });
  }

  private withoutHidden(found: Neighbours): Neighbours {
    if (this.hidden.size === 0) return found;
    const isVisible = (i: number): boolean => !this.hidden.has(found.keys[i] ?? NaN);
    return {
      keys: found.keys.filter((_, i) => isVisible(i)),
      cosines: found.cosines.filter((_, i) => isVisible(i)),
    };
  }
}

function merge(a: Neighbours, b: Neighbours | undefined, k: number): Neighbours {
  const best = new BestMatches(k);
  for (const part of b === undefined ? [a] : [a, b]) {
    for (const [i, key] of part.keys.entries()) best.offer(key, part.cosines[i] ?? NaN);
  }
  return best.neighbours();
}
