/** True where `offset` falls between the two halves of a surrogate pair, so that slicing there breaks a character. */
export function splitsSurrogatePair(text: string, offset: number): boolean {
  if (offset <= 0 || offset >= text.length) return false;
  return isHigh(text.charCodeAt(offset - 1)) && isLow(text.charCodeAt(offset));
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/**
 * Converts offsets of one text between UTF-16 units and code points. Built once a text in one pass;
 * each conversion is a binary search over the surrogate pairs. A lone surrogate counts as one code point.
 * Offsets beyond the text map linearly past its end, so that range checks can be made on either side.
 */
export class CodePointOffsets {
  /** UTF-16 offsets of the low halves of the text's surrogate pairs, ascending. */
  private readonly lowHalves: number[] = [];

  constructor(text: string) {
    for (let at = 1; at < text.length; at++) {
      if (splitsSurrogatePair(text, at)) this.lowHalves.push(at++);
    }
  }

  /** An offset inside a pair maps to the code point after it; check `splitsSurrogatePair` first. */
  toCodePoint(utf16: number): number {
    return utf16 - this.pairsWhere((low) => low < utf16);
  }

  toUtf16(codePoint: number): number {
    return codePoint + this.pairsWhere((low, pairsBefore) => low - pairsBefore - 1 < codePoint);
  }

  /** How many pairs, from the first on, satisfy a condition that holds up to some point and not after it. */
  private pairsWhere(holds: (low: number, pairsBefore: number) => boolean): number {
    let from = 0;
    let to = this.lowHalves.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (holds(this.lowHalves[middle] ?? 0, middle)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** The first `count` code points of a text; a lone surrogate counts as one. */
export function firstCodePoints(text: string, count: number): string {
  if (text.length <= count) return text;
  let end = 0;
  for (let taken = 0; taken < count && end < text.length; taken++) {
    end += splitsSurrogatePair(text, end + 1) ? 2 : 1;
  }
  return text.slice(0, end);
}
