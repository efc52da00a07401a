import { ReferentError } from '../contract/errors.js';
import type { BaseIndex } from './base-index.js';
import { GraphIndex } from './graph-index.js';
import type { OnSnapshotProgress } from './snapshot-build.js';

const SAMPLE = 100;
/** The nearest neighbour of a stored vector is itself or its equal. */
const SELF_COSINE = 0.999;
/** A graph may miss a few: those of a dense cluster can lose all links that lead to them. */
const MUST_FIND = 0.95;

/** Searches a sample of the stored vectors, which have to find themselves; `index-invalid` where too many do not. */
export function verifySnapshot(
  folder: string,
  index: BaseIndex,
  onProgress: OnSnapshotProgress,
): void {
  if (!(index instanceof GraphIndex)) return;
  const rows = sampleRows(index.size);
  const found = rows.filter((row, i) => {
    onProgress({ phase: 'verify', done: i + 1, total: rows.length });
    const [nearest] = index.search(index.vectorAt(row), 1);
    return (nearest?.cosines[0] ?? 0) >= SELF_COSINE;
  });
  if (found.length >= MUST_FIND * rows.length) return;
  throw new ReferentError(
    'index-invalid',
    `The index just built in ${folder} finds ${found.length} of ${rows.length} of its own vectors, ` +
      `fewer than ${MUST_FIND * 100} %. Build it again.`,
  );
}

function sampleRows(size: number): readonly number[] {
  const count = Math.min(SAMPLE, size);
  return Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
}
