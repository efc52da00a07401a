import { ExactIndex } from '../../libs/index/exact-index.js';
import type { VectorFile } from '../../libs/index/vector-file.js';
import type { Neighbours } from '../../libs/index/vector-index.js';

const ROWS_A_PART = 50_000;

interface Match {
  readonly key: number;
  readonly cosine: number;
}

/** Keys of the true k nearest of each query, part by part: not all vectors are in memory at a time. */
export function exactNeighbours(file: VectorFile, queries: Float32Array, k: number): Set<number>[] {
  const best: Match[][] = [];
  for (let first = 0; first < file.size; first += ROWS_A_PART) {
    const count = Math.min(ROWS_A_PART, file.size - first);
    const part = new ExactIndex(file.dimensions);
    const keys = Array.from({ length: count }, (_, at) => file.keyAt(first + at));
    part.upsert(keys, file.rows(first, count));
    for (const [query, found] of part.search(queries, k).entries()) {
      best[query] = merged(best[query] ?? [], found, k);
    }
  }
  return best.map((found) => new Set(found.map(({ key }) => key)));
}

function merged(best: readonly Match[], { keys, cosines }: Neighbours, k: number): Match[] {
  const more = keys.map((key, at) => ({ key, cosine: cosines[at] ?? -Infinity }));
  return [...best, ...more].sort((a, b) => b.cosine - a.cosine).slice(0, k);
}
