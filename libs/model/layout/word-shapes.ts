import type { Pieces } from '../../text/pieces.js';

/**
 * How a piece is written, which the uncased ids do not say: 0 for ids that stand for no text, then lower case,
 * Capitalised, UPPER CASE, mixed or coded ("iPhone", "p53"), digits, and everything else; the same six again where
 * the piece opens a sentence.
 */
export const SHAPES = 13;

const SPELLINGS = 6;
const [LOWER, CAPITALISED, UPPER, MIXED, DIGITS, OTHER] = [1, 2, 3, 4, 5, 6] as const;

const LETTER = /\p{L}/u;
const DIGIT = /\p{Nd}/u;
const CAPITAL = /\p{Lu}/u;
const CAPITAL_FIRST_ONLY = /^\p{Lu}\P{Lu}*$/u;
const CAPITALS_ONLY = /^[\p{Lu}\P{L}]+$/u;
const SENTENCE_END = /[.!?…。！？]$/;
const SPACE = /\s/;
const LINE_BREAK = /[\n\r]/;

/** The shapes of pieces `[from, to)`: each depends on its own spelling and on what stands before it. */
export function shapesOf(text: string, pieces: Pieces, from: number, to: number): Int32Array {
  const shapes = new Int32Array(to - from);
  let before = spellingOf(text, pieces, from - 1);
  for (let at = from; at < to; at++) {
    const spelling = spellingOf(text, pieces, at);
    const gap = text.slice(pieces.ends[at - 1] ?? 0, pieces.starts[at]);
    const opens =
      at === 0 || LINE_BREAK.test(gap) || (SENTENCE_END.test(before) && SPACE.test(gap));
    shapes[at - from] = shapeOf(spelling) + (opens ? SPELLINGS : 0);
    before = spelling;
  }
  return shapes;
}

function spellingOf(text: string, { starts, ends }: Pieces, at: number): string {
  return text.slice(starts[at] ?? 0, ends[at] ?? 0);
}

function shapeOf(spelling: string): number {
  const hasDigit = DIGIT.test(spelling);
  if (!LETTER.test(spelling)) return hasDigit ? DIGITS : OTHER;
  if (hasDigit) return MIXED;
  if (!CAPITAL.test(spelling)) return LOWER;
  if (CAPITAL_FIRST_ONLY.test(spelling)) return CAPITALISED;
  return CAPITALS_ONLY.test(spelling) ? UPPER : MIXED;
}
