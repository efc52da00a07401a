import { join } from 'node:path';
import type { BaseIndex } from './base-index.js';
import { BestMatches } from './best-matches.js';
import { damaged } from './checked-file.js';
import { assertNeighbourCount, rowCount } from './shapes.js';
import { UsearchGraph } from './usearch-file.js';
import { VectorFile } from './vector-file.js';
import type { Neighbours } from './vector-index.js';

export const GRAPH_FILE = 'graph.usearch';

/**
 * How many rows the graph is asked for when k are wanted: the nearest by i8, of which the k best by exact cosine
 * are answered. For k = 100 the overlap with the exact top 100 is .983 when 100 are fetched, .986 with 110 and no
 * better with 200: what the graph has not come across cannot be rescored.
 */
function overFetch(k: number): number {
  return k + Math.max(10, Math.ceil(k / 10));
}

/** An immutable graph (mapped) with its exact vectors (read by row): approximate choice, exact cosines. */
export class GraphIndex implements BaseIndex {
  private constructor(
    private readonly graph: UsearchGraph,
    private readonly vectors: VectorFile,
  ) {}

  /** Opens a folder's files, which were checked against their manifest. */
  static open(folder: string, dimensions: number): GraphIndex {
    const path = join(folder, GRAPH_FILE);
    const graph = UsearchGraph.view(path, dimensions);
    const vectors = VectorFile.open(folder, dimensions);
    if (graph.size === vectors.size && graph.width === dimensions)
      return new GraphIndex(graph, vectors);
    vectors.close();
    throw damaged(
      path,
      `${graph.size} vectors of ${graph.width} dimensions`,
      `${vectors.size} of ${dimensions}`,
    );
  }

  get dimensions(): number {
    return this.vectors.dimensions;
  }

  get size(): number {
    return this.vectors.size;
  }

  has(key: number): boolean {
    return this.vectors.rowOf(key) >= 0;
  }

  search(queries: Float32Array, k: number): readonly Neighbours[] {
    assertNeighbourCount(k);
    rowCount(queries, this.dimensions, 'The queries');
    const found = this.graph.nearestRows(queries, k === 0 ? 0 : overFetch(k));
    return found.map((rows, query) => this.rescore(queries, query * this.dimensions, rows, k));
  }

  cosines(query: Float32Array, keys: readonly number[]): Float32Array {
    rowCount(query, this.dimensions, 'The query');
    return Float32Array.from(keys, (key) => {
      const row = this.vectors.rowOf(key);
      return row < 0 ? NaN : this.vectors.cosine(query, 0, row);
    });
  }

  /** The vector [D] of a row, 0 … size - 1. */
  vectorAt(row: number): Float32Array {
    return this.vectors.rows(row, 1);
  }

  close(): void {
    this.vectors.close();
  }

  private rescore(queries: Float32Array, offset: number, rows: Uint32Array, k: number): Neighbours {
    const best = new BestMatches(k);
    for (const row of rows) {
      best.offer(this.vectors.keyAt(row), this.vectors.cosine(queries, offset, row));
    }
    return best.neighbours();
  }
}
