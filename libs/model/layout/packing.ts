/** A sequence and its place among those that were packed. */
export interface Packed<T> {
  readonly item: T;
  readonly index: number;
}

/**
 * Packs sequences into batches: sorted by length, so that little is padding, each batch at most `maxTokens`
 * padded tokens (one sequence at least). Longest first, so that the runtime's memory grows once.
 */
export function packByLength<T>(
  items: readonly T[],
  lengthOf: (item: T) => number,
  maxTokens: number,
): Packed<T>[][] {
  const order = items.map((item, index) => ({ item, index, length: lengthOf(item) }));
  order.sort((a, b) => b.length - a.length || a.index - b.index);
  const batches: Packed<T>[][] = [];
  for (let from = 0; from < order.length;) {
    const longest = Math.max(1, order[from]?.length ?? 1);
    const rows = Math.max(1, Math.floor(maxTokens / longest));
    batches.push(order.slice(from, from + rows));
    from += rows;
  }
  return batches;
}
