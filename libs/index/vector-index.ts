/** The neighbours of one query, best first. `keys.length === cosines.length <= k`. */
export interface Neighbours {
  readonly keys: readonly number[];
  readonly cosines: Float32Array;
}

/**
 * Vectors by integer key, searched by cosine. All vectors are L2-normalised, so cosine is the dot product.
 * Shapes: queries [M, D] row-major; vectors [keys.length, D] row-major.
 */
export abstract class VectorIndex {
  abstract readonly dimensions: number;
  abstract readonly size: number;
  /** The k nearest of each query with exact cosines; fewer where the index is smaller than k. */
  abstract search(queries: Float32Array, k: number): readonly Neighbours[];
  /** Exact cosines of one query [D] with the given keys; NaN where a key is not in the index. */
  abstract cosines(query: Float32Array, keys: readonly number[]): Float32Array;
  /** Adds or replaces. */
  abstract upsert(keys: readonly number[], vectors: Float32Array): void;
  abstract remove(keys: readonly number[]): void;
  abstract close(): void;
}
