import { setImmediate as nextTurn } from 'node:timers/promises';
import { BestMatches } from './best-matches.js';
import { dotProduct } from './dot-product.js';
import { rowCount } from './shapes.js';
import type { VectorRows } from './snapshot-build.js';
import type { Neighbours } from './vector-index.js';

/** Cosines between two turns of the event loop: 2 to 3 ms. */
const COSINES_A_TURN = 4_096;
/** Cosines that differ by less are the same but for rounding: entities of the same content share a vector. */
const SAME = 1e-5;

/** The k nearest of each query [M, D] among all rows of the pages: what an index is to find. */
export async function exactNearest(
  queries: Float32Array,
  k: number,
  { dimensions, pages }: { readonly dimensions: number; readonly pages: AsyncIterable<VectorRows> },
): Promise<readonly Neighbours[]> {
  const count = rowCount(queries, dimensions, 'The queries');
  const best = Array.from({ length: count }, () => new BestMatches(k));
  const rowsATurn = Math.max(1, Math.floor(COSINES_A_TURN / Math.max(1, count)));
  for await (const { keys, vectors } of pages) {
    for (const [row, key] of keys.entries()) {
      if (row % rowsATurn === 0) await nextTurn();
      best.forEach((matches, query) => {
        const cosine = dotProduct(
          queries,
          query * dimensions,
          vectors,
          row * dimensions,
          dimensions,
        );
        matches.offer(key, Math.fround(cosine));
      });
    }
  }
  return best.map((matches) => matches.neighbours());
}

/** Which share of the exact neighbours an index has found, 0 to 1, over all queries; 1 where there are none. */
export function recallOf(found: readonly Neighbours[], exact: readonly Neighbours[]): number {
  let hits = 0;
  let wanted = 0;
  for (const [query, { cosines }] of exact.entries()) {
    const worst = (cosines.at(-1) ?? 1) - SAME;
    const near = found[query]?.cosines.filter((cosine) => cosine >= worst).length ?? 0;
    hits += Math.min(near, cosines.length);
    wanted += cosines.length;
  }
  return wanted === 0 ? 1 : hits / wanted;
}
