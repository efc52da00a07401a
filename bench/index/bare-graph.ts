import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { usearchIndex } from '../../libs/index/usearch-file.js';

const ROWS_A_CALL = 512;

/** `add` alone with USearch's own cast, all cores, rows from memory: what our build is held against. */
export async function buildBareGraph(vectors: Float32Array, dimensions: number): Promise<void> {
  const index = usearchIndex(dimensions);
  const count = vectors.length / dimensions;
  for (let first = 0; first < count; first += ROWS_A_CALL) {
    const rows = vectors.subarray(first * dimensions, (first + ROWS_A_CALL) * dimensions);
    const keys = BigUint64Array.from({ length: rows.length / dimensions }, (_, i) =>
      BigInt(first + i),
    );
    index.add(keys, rows, availableParallelism());
    await nextTurn();
  }
}
