import type { TokenBatch } from './engine.js';

/** A batch of the given row lengths, padded with `pad` to the longest; `write` fills a row. */
export function padded(
  lengths: readonly number[],
  pad: number,
  write: (row: Int32Array, index: number) => void,
): TokenBatch {
  const width = Math.max(...lengths);
  const ids = new Int32Array(lengths.length * width).fill(pad);
  lengths.forEach((_, index) => {
    write(ids.subarray(index * width, (index + 1) * width), index);
  });
  return { ids, lengths: Int32Array.from(lengths) };
}
