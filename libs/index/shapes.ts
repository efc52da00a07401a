import { ReferentError } from '../contract/errors.js';

/** The number of rows of a row-major matrix `[rows, dimensions]`; `model-mismatch` where its length does not fit. */
export function rowCount(values: Float32Array, dimensions: number, what: string): number {
  const rows = values.length / dimensions;
  if (Number.isInteger(rows)) return rows;
  throw new ReferentError(
    'model-mismatch',
    `${what}: ${values.length} numbers are not a whole number of vectors of ${dimensions} dimensions. ` +
      'Use vectors of the model that the index was built with.',
  );
}

/** Refuses a page whose vectors are not one for each key. */
export function assertPage(
  keys: readonly number[],
  vectors: Float32Array,
  dimensions: number,
): void {
  const rows = rowCount(vectors, dimensions, 'The page of vectors');
  if (rows === keys.length) return;
  throw new ReferentError(
    'index-invalid',
    `The page has ${keys.length} keys and ${rows} vectors of ${dimensions} dimensions; give one vector for each key.`,
  );
}

/** Asks for a whole number of neighbours, 0 or more. */
export function assertNeighbourCount(k: number): void {
  if (Number.isSafeInteger(k) && k >= 0) return;
  throw new ReferentError(
    'invalid-input',
    `k is ${k}; ask for a whole number of neighbours, 0 or more.`,
  );
}
