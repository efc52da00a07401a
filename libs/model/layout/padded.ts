import type { TokenBatch } from '../engine.js';

/** Sequences as one batch, padded to the longest; `write` fills a row. */
export function padded<T>(
  items: readonly T[],
  pad: number,
  lengthOf: (item: T) => number,
  write: (row: Int32Array, item: T) => void,
): TokenBatch {
  const lengths = Int32Array.from(items, lengthOf);
  const width = Math.max(...lengths);
  const ids = new Int32Array(items.length * width).fill(pad);
  items.forEach((item, i) => {
    write(ids.subarray(i * width, (i + 1) * width), item);
  });
  return { ids, lengths };
}
