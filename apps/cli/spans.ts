import type { GivenMention } from '../../libs/contract/annotate.js';

/** Spans as written on a command line, `0-7,12-16`: half-open, in UTF-16 units. */
export function parseSpans(value: string): GivenMention[] {
  return value.split(',').map((part) => {
    const match = /^\s*(\d+)\s*-\s*(\d+)\s*$/.exec(part);
    if (match === null) {
      throw new Error(`"${part}" is not a span; write spans as 0-7,12-16 (from, up to before).`);
    }
    return { start: Number(match[1]), end: Number(match[2]) };
  });
}
