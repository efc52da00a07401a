import type { Span } from '../text/span.js';

/** Letters of scripts that put no spaces between words: there every border may be one of a word. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]/u;
const WORD = /[\p{L}\p{N}\p{M}]/u;
const MARK = /\p{M}/u;
/** What stands around a mention and is none of it. */
const EDGE = /[\s"“”„«»,;:]/u;
/** A letter or digit, no blank line, and nothing that is no text: control characters, lone surrogates. */
const NAME_LIKE = /^(?!.*[\n\r]\s*[\n\r])(?=.*[\p{L}\p{N}])(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/su;
/** Longer words are cut rather than searched for their end. */
const LONGEST_WORD = 100;

/** The span moved out to borders of words and without quotes and commas at its ends; null where no name is left. */
export function snappedToWords(text: string, span: Span): Span | null {
  let { start, end } = span;
  while (start < end && EDGE.test(text.charAt(start))) start++;
  while (end > start && EDGE.test(text.charAt(end - 1))) end--;
  const widened = { start: wordStart(text, start), end: wordEnd(text, end) };
  return NAME_LIKE.test(text.slice(widened.start, widened.end)) ? widened : null;
}

function wordStart(text: string, start: number): number {
  let at = start;
  for (let steps = 0; at > 0 && steps < LONGEST_WORD; steps++) {
    const before = characterBefore(text, at);
    if (!belongTogether(before, characterAt(text, at))) return at;
    at -= before.length;
  }
  return at;
}

function wordEnd(text: string, end: number): number {
  let at = end;
  for (let steps = 0; at < text.length && steps < LONGEST_WORD; steps++) {
    const next = characterAt(text, at);
    if (!belongTogether(characterBefore(text, at), next)) return at;
    at += next.length;
  }
  return at;
}

/** A combining mark belongs to whatever is before it. */
function belongTogether(left: string, right: string): boolean {
  if (MARK.test(right)) return true;
  return WORD.test(left) && WORD.test(right) && !UNSPACED.test(left) && !UNSPACED.test(right);
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}

function characterBefore(text: string, at: number): string {
  return characterAt(text, isLowHalf(text, at - 1) ? at - 2 : at - 1);
}

function isLowHalf(text: string, at: number): boolean {
  return at > 0 && (text.codePointAt(at - 1) ?? 0) > 0xffff;
}
