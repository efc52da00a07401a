import type { Pieces } from '../../text/pieces.js';
import type { Span } from '../../text/span.js';

/** Pieces `[first, end)` of a text; empty where a span covers no piece (white space, control characters). */
export interface PieceRange {
  readonly first: number;
  readonly end: number;
}

/** The pieces whose range overlaps the span, in O(log pieces). */
export function piecesOf(pieces: Pieces, span: Span): PieceRange {
  const first = countWhere(pieces.ends, (end) => end <= span.start);
  const end = countWhere(pieces.starts, (start) => start < span.end);
  return { first, end: Math.max(first, end) };
}

/** How many values of an ascending column, from the first on, satisfy a condition that then holds no more. */
function countWhere(column: Int32Array, holds: (value: number) => boolean): number {
  let from = 0;
  let to = column.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(column[middle] ?? 0)) from = middle + 1;
    else to = middle;
  }
  return from;
}
