/**
 * Packs sequences into batches: sorted by length, so that little is padding, each batch at most
 * `maxTokens` padded tokens (one sequence at least). Returns the sequences' indexes by batch, longest batch first,
 * so that memory is claimed once.
 */
export function packByLength(lengths: ArrayLike<number>, maxTokens: number): number[][] {
  const order = Array.from({ length: lengths.length }, (_, index) => index);
  const lengthOf = (index: number) => lengths[index] ?? 0;
  order.sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  const batches: number[][] = [];
  for (let from = 0; from < order.length;) {
    const longest = Math.max(1, lengthOf(order[from] ?? 0));
    const rows = Math.max(1, Math.floor(maxTokens / longest));
    batches.push(order.slice(from, from + rows));
    from += rows;
  }
  return batches;
}
