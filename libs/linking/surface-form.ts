import { isStopWord } from './stop-words.js';

/** One word of a mention: its normal form, its spelling in the text, and what its place says about its capitals. */
export interface SurfaceWord {
  readonly form: string;
  readonly spelling: string;
  readonly opensSentence: boolean;
  /** The words around it are all in capitals. */
  readonly isShouted: boolean;
}

/** How a mention is written, as far as that tells names from ordinary words. */
export type SurfaceForm = 'phrase' | 'coded' | 'capitalised' | 'sentence-start' | 'plain';

const HAS_LETTER = /\p{L}/u;
const CAPITAL_FIRST = /^\p{Lu}/u;
const CAPITAL_OR_DIGIT_LATER = /^.+[\p{Lu}\p{Nd}]/u;
const ALL_CAPITALS = /^\p{Lu}{2,}$/u;
const SYMBOL = /[^\p{L}\p{M}\p{N}\s]/u;

/**
 * - `phrase`: two or more words;
 * - `coded`: one word with a capital or a digit after its first letter, or with a symbol ("IBM", "C++");
 * - `capitalised`: one word with a capital, inside a sentence;
 * - `sentence-start`: one capitalised word where any word would be;
 * - `plain`: one lower-case word.
 */
export function surfaceForm(words: readonly SurfaceWord[], surface: string): SurfaceForm {
  const [word] = words;
  if (word === undefined || words.length > 1) return 'phrase';
  if (CAPITAL_OR_DIGIT_LATER.test(word.spelling) || SYMBOL.test(surface)) return 'coded';
  if (!CAPITAL_FIRST.test(word.spelling)) return 'plain';
  return word.opensSentence ? 'sentence-start' : 'capitalised';
}

/**
 * Whether words that the KB has as a name can be a mention at all. Bare numbers, single letters without
 * a symbol ("C" but not "C++") and function words are not, unless their spelling sets them apart: "IT",
 * "US" and "WHO" in capitals where the sentence around is not, or a phrase like "The Who".
 */
export function canBeName(words: readonly SurfaceWord[], surface: string): boolean {
  if (!words.some((word) => HAS_LETTER.test(word.form))) return false;
  if (!words.every((word) => isStopWord(word.form) || word.form.length === 1)) return true;
  if (words.length > 1) return words.every(isWrittenAsName);
  return SYMBOL.test(surface) || words.every(isInCapitals);
}

function isWrittenAsName(word: SurfaceWord): boolean {
  return CAPITAL_FIRST.test(word.spelling) && word.spelling !== 'I';
}

function isInCapitals(word: SurfaceWord): boolean {
  return ALL_CAPITALS.test(word.spelling) && !word.isShouted;
}
