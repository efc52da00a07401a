import type { ModelLimits, SpecialIds } from '../manifest.js';
import type { PieceRange } from './piece-range.js';

/** A mention inside its window: hidden states `[first, end)`, [CLS] being 0; `index` is its place in the request. */
export interface WindowMention {
  readonly index: number;
  readonly first: number;
  readonly end: number;
}

/** One trunk pass over a stretch of text, for all the mentions that have their best context in it. */
export interface Window {
  readonly number: number;
  /** Ids of the pass, with [CLS] and [SEP]. */
  readonly length: number;
  readonly mentions: readonly WindowMention[];
}

/** The window of a mention: the one that gives it the most even context (model card, "Windows"). */
function windowOf(range: PieceRange, textPieces: number, limits: ModelLimits): number {
  if (textPieces <= limits.windowPieces) return 0;
  const middle = Math.floor((range.first + range.end) / 2);
  return Math.max(0, Math.floor((middle - limits.windowLead) / limits.windowStride));
}

function windowLength(number: number, textPieces: number, limits: ModelLimits): number {
  return Math.min(textPieces - number * limits.windowStride, limits.windowPieces) + 2;
}

function inWindow(
  range: PieceRange,
  index: number,
  window: Pick<Window, 'number' | 'length'>,
  stride: number,
): WindowMention {
  const shift = window.number * stride - 1;
  const first = Math.max(1, range.first - shift);
  const end = Math.min(range.end - shift, window.length - 1);
  return { index, first, end: Math.max(end, first + 1) };
}

/**
 * The windows that these mentions need, in text order. Mentions without pieces are in none.
 * A window with more than `maxMentions` mentions comes several times, so that no pass returns too much at once.
 */
export function layWindows(
  ranges: readonly PieceRange[],
  textPieces: number,
  limits: ModelLimits,
  maxMentions: number,
): Window[] {
  const byNumber = new Map<number, number[]>();
  ranges.forEach((range, index) => {
    if (range.first >= range.end) return;
    const number = windowOf(range, textPieces, limits);
    const group = byNumber.get(number);
    if (group) group.push(index);
    else byNumber.set(number, [index]);
  });
  const numbers = [...byNumber.keys()].sort((a, b) => a - b);
  return numbers.flatMap((number) => {
    const length = windowLength(number, textPieces, limits);
    const mentions = (byNumber.get(number) ?? []).flatMap((index) => {
      const range = ranges[index];
      return range ? [inWindow(range, index, { number, length }, limits.windowStride)] : [];
    });
    return chunked(mentions, maxMentions).map((chunk) => ({ number, length, mentions: chunk }));
  });
}

function chunked<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** Writes `[CLS] pieces [SEP]` of a window into a row of a padded batch. */
export function writeWindow(
  row: Int32Array,
  window: Window,
  pieceIds: Int32Array,
  { limits, ids }: { limits: ModelLimits; ids: SpecialIds },
): void {
  const from = window.number * limits.windowStride;
  row[0] = ids.cls;
  row.set(pieceIds.subarray(from, from + window.length - 2), 1);
  row[window.length - 1] = ids.sep;
}
