import { normaliseCharacter } from './normalise.js';
import type { Span } from './span.js';

const SEPARATOR = ' ';

/**
 * The words of a text as `normaliseName` separates them, with their UTF-16 offsets. Joining the normal
 * forms of words i..j with one space gives `normaliseName(text.slice(words[i].start, words[j].end))`.
 */
export function wordSpans(text: string): Span[] {
  const spans: Span[] = [];
  let start = -1;
  let end = 0;
  const close = () => {
    if (start >= 0) spans.push({ start, end });
    start = -1;
  };
  for (let at = 0, next = 0; at < text.length; at = next) {
    next = nextCodePoint(text, at);
    const kind = kindOf(text, at, next);
    if (kind === 'separator') close();
    else end = next; // a word keeps the combining marks that follow it
    if (kind === 'word' && start < 0) start = at;
  }
  close();
  return spans;
}

function nextCodePoint(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}

function kindOf(text: string, at: number, next: number): 'word' | 'mark' | 'separator' {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return isAsciiWord(unit) ? 'word' : 'separator';
  const form = normaliseCharacter(text.slice(at, next));
  if (form === '') return 'mark';
  return form === SEPARATOR ? 'separator' : 'word';
}

function isAsciiWord(unit: number): boolean {
  const lower = unit | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (unit >= 0x30 && unit <= 0x39);
}

/** The words of a text as BM25 counts them: NFKC, case-folded, runs of letters, numbers and underscores. */
export function searchWords(text: string): string[] {
  const folded = text.normalize('NFKC').toLowerCase().replace(/ß/g, 'ss').replace(/ς/g, 'σ');
  return folded.match(/[\p{L}\p{N}_]+/gu) ?? [];
}
