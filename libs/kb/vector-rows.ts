import type { VectorPage } from './kb-store.js';

/** The bytes of a vector as they are stored: float32 in the machine's order, which is little-endian. */
export function vectorBytes({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Stored vectors [N] of D float32 each, of these keys [N] -> vectors [N, D]. */
export function vectorPage(keys: readonly number[], blobs: readonly Uint8Array[]): VectorPage {
  const bytes = new Uint8Array(blobs.reduce((sum, blob) => sum + blob.byteLength, 0));
  let offset = 0;
  for (const blob of blobs) {
    bytes.set(blob, offset);
    offset += blob.byteLength;
  }
  return { keys, vectors: new Float32Array(bytes.buffer) };
}
