import type { Pieces } from '../../text/pieces.js';
import type { Span } from '../../text/span.js';
import { piecesOf } from './piece-range.js';

/** What the KB's names say of a piece: it is in none, it begins one, it goes on in one. */
export const NAME_MARKS = 3;

const [BEGINS, GOES_ON] = [1, 2] as const;

/** A mark for each piece of the text; where names overlap, a beginning stays a beginning. */
export function nameMarks(pieces: Pieces, names: readonly Span[]): Uint8Array {
  const marks = new Uint8Array(pieces.ids.length);
  for (const name of names) {
    const { first, end } = piecesOf(pieces, name);
    for (let at = first + 1; at < end; at++) marks[at] ||= GOES_ON;
    if (first < end) marks[first] = BEGINS;
  }
  return marks;
}
