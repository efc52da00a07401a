import type { VectorIndex } from './vector-index.js';

/** What a snapshot offers: a vector index that is only read. */
export interface BaseIndex extends Pick<
  VectorIndex,
  'dimensions' | 'size' | 'search' | 'cosines' | 'close'
> {
  has(key: number): boolean;
}
