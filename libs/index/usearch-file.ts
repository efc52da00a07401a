import { availableParallelism } from 'node:os';
import { Index, MetricKind, ScalarKind, type Matches } from 'usearch';

/**
 * What a graph is built and searched with; kept in the manifest.
 *
 * Overlap with the exact f32 top 100, after rescoring 110 rows, of 200 mention vectors with 32,768 entity vectors of an
 * ontology (model v0, 384 dimensions). Mentions are harder than entities looking for their like.
 *
 *   expansionSearch                      256    384    512    768
 *   connectivity 16, expansionAdd 128   .987   .993   .995   .998
 *   connectivity 16, expansionAdd 256   .990   .995   .997   .998   half the build rate
 *   connectivity 24, expansionAdd 128   .988   .994   .996   .998
 *   connectivity 32, expansionAdd 128   .989   .994   .996   .998   16 % larger
 *
 * Looking farther at search time is what pays; more links or a slower build give little. With 512 the bench gives .995
 * (top 10: .999) for 44,032 vectors of the ontology and 500 mentions, and .994 (.998) for 100,000, of which 56,000 were
 * mixed from neighbours and noise; 1.4 and 1.8 ms of processor time a query on a loaded machine, rescoring included.
 */
export const GRAPH_SETTINGS = {
  library: 'usearch',
  metric: 'cosine',
  quantization: 'i8',
  connectivity: 16,
  expansionAdd: 128,
  expansionSearch: 512,
} as const;

/** USearch itself with these settings; its own cast of f32 rows is not ours (`quantise`). */
export function usearchIndex(dimensions: number): Index {
  return new Index({
    dimensions,
    metric: MetricKind.Cos,
    quantization: ScalarKind.I8,
    connectivity: GRAPH_SETTINGS.connectivity,
    expansion_add: GRAPH_SETTINGS.expansionAdd,
    expansion_search: GRAPH_SETTINGS.expansionSearch,
    multi: false,
  });
}

const LARGEST_I8 = 127;

/**
 * A USearch graph over the rows of a vector file: its keys are row numbers. The only file that knows USearch.
 *
 * Traps of usearch 2.26 that are dealt with here:
 * - Its own cast from f32 to i8 is `trunc(127 · x / |x|)`. A component of a unit vector of 384 dimensions is about
 *   0.05, so it uses some 20 of 255 levels. Cosine does not depend on length, so rows and queries are quantised
 *   here, `round(127 · x / max|x|)`: before rescoring .983 of the exact top 100 instead of .954 (expansion 256), and
 *   rescoring 110 rows does what took 150.
 * - `search` for one query answers `Matches`, for several `BatchMatches`; the arrays of the latter are longer than
 *   what was found (k > size leaves zeros at the end), `get` cuts them by the counts.
 * - k = 0 and no queries are errors in its wrapper; k over the size only wastes memory.
 * - `view` trusts the file (a cut or altered file can end the process): check it first, see file-record.ts.
 * - There is no close: the mapping goes when the object is collected.
 */
export class UsearchGraph {
  private readonly index: Index;

  private constructor(private readonly dimensions: number) {
    this.index = usearchIndex(dimensions);
  }

  static empty(dimensions: number): UsearchGraph {
    return new UsearchGraph(dimensions);
  }

  /** Maps the file into memory; searches read the parts they need. Only for files that were checked. */
  static view(path: string, dimensions: number): UsearchGraph {
    const graph = new UsearchGraph(dimensions);
    graph.index.view(path);
    return graph;
  }

  get size(): number {
    return this.index.size();
  }

  /** Dimensions of the file that is viewed. */
  get width(): number {
    return this.index.dimensions();
  }

  /** Adds rows `firstRow …` [n, D], on all cores; blocks until done. */
  add(firstRow: number, vectors: Float32Array): void {
    const count = vectors.length / this.dimensions;
    const rows = BigUint64Array.from({ length: count }, (_, i) => BigInt(firstRow + i));
    this.index.add(rows, quantise(vectors, this.dimensions), availableParallelism());
  }

  save(path: string): void {
    this.index.save(path);
  }

  /** Row numbers near each query of [M, D], nearest first, by the quantised vectors. */
  nearestRows(queries: Float32Array, k: number): readonly Uint32Array[] {
    const count = queries.length / this.dimensions;
    const wanted = Math.min(k, this.size);
    if (count === 0 || wanted === 0) return Array.from({ length: count }, () => new Uint32Array(0));
    const threads = Math.min(count, availableParallelism());
    const quantised = quantise(queries, this.dimensions);
    // The types tell a vector from a matrix by array nesting; a flat matrix goes in as a "vector".
    const found: unknown = this.index.search(quantised, wanted, threads);
    return Array.from({ length: count }, (_, i) => rowNumbers(matchesOf(found, i)));
  }
}

interface BatchOfMatches {
  get(i: number): Matches;
}

function matchesOf(found: unknown, i: number): Matches {
  const isBatch = typeof found === 'object' && found !== null && 'get' in found;
  return isBatch ? (found as BatchOfMatches).get(i) : (found as Matches);
}

/** Keys are row numbers below 2^32: the low halves of the 64-bit (little-endian) numbers. */
function rowNumbers(matches: Matches): Uint32Array {
  const halves = new Uint32Array(
    matches.keys.buffer,
    matches.keys.byteOffset,
    matches.keys.length * 2,
  );
  return Uint32Array.from({ length: matches.keys.length }, (_, i) => halves[2 * i] ?? 0);
}

/**
 * Each row of [n, D] on its own scale, its largest component becoming ±127.
 *
 * The wrapper of usearch 2.26 turns every array whose constructor is not Float32Array into one, after which the
 * native cast would undo this; native code itself takes Int8Array. Hence the constructor property. Should a later
 * version ignore it, results stay right and only get coarser; a test notices.
 */
function quantise(vectors: Float32Array, dimensions: number): Int8Array {
  const out = new Int8Array(vectors.length);
  for (let start = 0; start < vectors.length; start += dimensions) {
    const row = vectors.subarray(start, start + dimensions);
    const scale = LARGEST_I8 / largest(row);
    for (let i = 0; i < row.length; i++) out[start + i] = Math.round((row[i] ?? 0) * scale);
  }
  return Object.defineProperty(out, 'constructor', { value: Float32Array });
}

/** Largest absolute component; 1 for a row of zeros, which stays zeros. */
function largest(row: Float32Array): number {
  let max = 0;
  for (const value of row) max = Math.max(max, Math.abs(value));
  return max > 0 ? max : 1;
}
