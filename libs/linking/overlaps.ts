import type { Span } from '../text/span.js';

/**
 * The set of spans that do not overlap with the largest total weight (weighted interval scheduling),
 * in their order of place. O(n log n). Of two equally good sets the one without the later span is taken.
 */
export function withoutOverlaps<T>(
  items: readonly T[],
  { spanOf, weightOf }: { spanOf: (item: T) => Span; weightOf: (item: T) => number },
): T[] {
  const sorted = items
    .map((item) => ({ item, ...spanOf(item), weight: weightOf(item) }))
    .sort((a, b) => a.end - b.end || b.start - a.start);
  const ends = sorted.map((interval) => interval.end);
  // best[i]: the largest weight of a set out of the first i intervals.
  const best = [0];
  for (const [at, { start, weight }] of sorted.entries()) {
    const taken = weight + (best[countUpTo(ends, start, at)] ?? 0);
    best.push(Math.max(best[at] ?? 0, taken));
  }
  const kept: T[] = [];
  for (let count = sorted.length; count > 0;) {
    const interval = sorted[count - 1];
    const isTaken = interval !== undefined && (best[count] ?? 0) > (best[count - 1] ?? 0);
    if (isTaken) kept.push(interval.item);
    count = isTaken ? countUpTo(ends, interval.start, count - 1) : count - 1;
  }
  return kept.reverse();
}

/** How many of the first `limit` ascending values are at most `value`. */
function countUpTo(values: readonly number[], value: number, limit: number): number {
  let from = 0;
  let to = limit;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((values[middle] ?? Infinity) <= value) from = middle + 1;
    else to = middle;
  }
  return from;
}
