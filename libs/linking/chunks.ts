import { splitsSurrogatePair } from '../text/offsets.js';
import type { Span } from '../text/span.js';

/** Where a sentence ends: a full stop and the like before white space, or a line break unless a lower-case letter follows. */
const SENTENCE_END = /[.!?…。！？]["'”’)\]]*(?=\s)|(?:\r\n|\n|\r)(?![ \t]*\p{Ll})/gu;
/** A full stop after one of these, or after a single capital, does not end a sentence. */
const ABBREVIATION =
  /(?:^|[\s("'“])(?:[A-Z]|Mrs?|Ms|Dr|St|Mt|Prof|Sen|Rep|Gen|Col|Capt|Lt|Sgt|Jr|Sr|Rev|Hon|No|vs|cf|al|Fig|e\.g|i\.e)\.$/;
/** How far back `ABBREVIATION` looks. */
const LOOK_BACK = 8;

/**
 * Cuts a text into pieces of at most `maxChars` units at the ends of sentences and lines; a longer
 * sentence is cut at white space, and where it has none anywhere between two characters.
 * The pieces cover the text without gap or overlap.
 */
export function* chunksOf(text: string, maxChars: number): Generator<Span> {
  let chunk: Span = { start: 0, end: 0 };
  for (const end of sentenceEnds(text)) {
    if (end - chunk.start > maxChars) {
      if (chunk.end > chunk.start) yield chunk;
      const pieces = cut(text, { start: chunk.end, end }, maxChars);
      yield* pieces.slice(0, -1);
      chunk = pieces.at(-1) ?? { start: end, end };
    } else {
      chunk = { start: chunk.start, end };
    }
  }
  if (chunk.end > chunk.start) yield chunk;
}

/** The offsets after each sentence's last unit; the last is the text's length. None for an empty text. */
export function* sentenceEnds(text: string): Generator<number> {
  let last = 0;
  for (const match of text.matchAll(SENTENCE_END)) {
    if (endsInAbbreviation(text, match.index)) continue;
    last = match.index + match[0].length;
    yield last;
  }
  if (last < text.length) yield text.length;
}

function endsInAbbreviation(text: string, stop: number): boolean {
  if (text[stop] !== '.') return false;
  return ABBREVIATION.test(text.slice(Math.max(0, stop - LOOK_BACK), stop + 1));
}

function cut(text: string, span: Span, maxChars: number): Span[] {
  const pieces: Span[] = [];
  let start = span.start;
  while (span.end - start > maxChars) {
    const end = cutBefore(text, start, start + maxChars);
    pieces.push({ start, end });
    start = end;
  }
  return [...pieces, { start, end: span.end }];
}

/** The last white space in `(start, limit]`, else the limit, moved off the middle of a surrogate pair. */
function cutBefore(text: string, start: number, limit: number): number {
  for (let at = limit; at > start + 1; at--) if (/\s/.test(text.charAt(at - 1))) return at;
  return splitsSurrogatePair(text, limit) ? limit - 1 : limit;
}
