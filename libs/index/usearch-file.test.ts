import { describe, expect, it } from '@jest/globals';
import { ExactIndex } from './exact-index.js';
import { clusteredVectors } from './testing/vectors.js';
import { UsearchGraph } from './usearch-file.js';

const D = 384;

describe('UsearchGraph', () => {
  /** usearch's own cast finds .95 here: a version that no longer takes our quantised rows shows. */
  it('chooses as the exact vectors do, before any rescoring', () => {
    const count = 1_500;
    const vectors = clusteredVectors({ count, dimensions: D, seed: 3 });
    const graph = UsearchGraph.empty(D);
    graph.add(0, vectors);
    const oracle = new ExactIndex(D);
    oracle.upsert([...Array(count).keys()], vectors);
    const queries = vectors.slice(0, 30 * D);
    const expected = oracle.search(queries, 100);
    const shared = graph.nearestRows(queries, 100).map((rows, i) => {
      const truth = new Set(expected[i]?.keys);
      return rows.filter((row) => truth.has(row)).length;
    });
    expect(shared.reduce((sum, n) => sum + n) / 3_000).toBeGreaterThan(0.98);
  });

  it('takes rows and queries of zeros', () => {
    const graph = UsearchGraph.empty(4);
    graph.add(0, Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0));
    expect(graph.size).toBe(2);
    expect(graph.nearestRows(new Float32Array(4), 5)[0]).toHaveLength(2);
    expect(graph.nearestRows(Float32Array.of(1, 0, 0, 0), 1)[0]).toEqual(Uint32Array.of(1));
  });
});
