import { ReferentError } from '../contract/errors.js';
import { splitsSurrogatePair } from '../text/offsets.js';
import type { Span } from '../text/span.js';
import type { Mention } from './stages.js';

/** Given spans as mentions, in the order given; overlapping and repeated spans are each kept. */
export function givenMentions(text: string, spans: readonly Span[]): Mention[] {
  return spans.map((span, at) => {
    const fault = spanFault(text, span);
    if (fault !== null) {
      throw new ReferentError(
        'invalid-input',
        `Mention ${at} [${span.start}, ${span.end}) ${fault}. Offsets are half-open and count the units of \`offsetUnit\`.`,
      );
    }
    return {
      start: span.start,
      end: span.end,
      surface: text.slice(span.start, span.end),
      source: 'given',
      spanProbability: 1,
      keyphraseness: null,
      tagProbability: null,
    };
  });
}

/**
 * What is wrong with a given span, as the end of a sentence; null where nothing is. `size` is the text's length
 * in the unit in which the caller counts.
 */
export function spanFault(
  text: string,
  { start, end }: Span,
  size = `${text.length} UTF-16 units`,
): string | null {
  if (!Number.isInteger(start) || !Number.isInteger(end)) return 'is not in whole numbers';
  if (start >= end) return 'is empty or reversed: start must be below end';
  if (start < 0 || end > text.length) {
    return `is outside the text, which has ${size}`;
  }
  if (splitsSurrogatePair(text, start) || splitsSurrogatePair(text, end)) {
    return 'cuts a character in two (a surrogate pair)';
  }
  return null;
}
