import { piecesOf, type PieceRange } from '../model/layout/piece-range.js';
import { BEGINS, GOES_ON, OUTSIDE, TAGS } from '../model/layout/tag-windows.js';
import type { TaggerSettings } from '../model/manifest.js';
import type { Pieces } from '../text/pieces.js';
import type { Span } from '../text/span.js';
import { snappedToWords } from './word-borders.js';

type Thresholds = Pick<TaggerSettings, 'begin' | 'inside'>;

/** The tagger's word on a text. `probabilities` [N, 3] says of each piece: outside, begins a mention, goes on in one. */
export class Tags {
  constructor(
    private readonly text: string,
    private readonly pieces: Pieces,
    private readonly probabilities: Float32Array,
  ) {}

  /** Spans that may be mentions, by where they begin, at borders of words; some overlap. */
  spans({ begin, inside }: Thresholds): Span[] {
    const found = new Map<string, Span>();
    for (let first = 0; first < this.pieces.ids.length; first++) {
      if (!this.mayBegin(first, begin)) continue;
      for (const least of inside) {
        const span = this.spanOf({ first, end: this.endFrom(first, least) });
        if (span !== null) found.set(`${span.start}:${span.end}`, span);
      }
    }
    return [...found.values()];
  }

  /** P(this span is tagged as a mention from its first piece to its last, and not beyond), 0..1. */
  exactly(span: Span): number {
    const { first, end } = piecesOf(this.pieces, span);
    if (first >= end) return 0;
    let probability = this.at(first, BEGINS);
    for (let at = first + 1; at < end; at++) probability *= this.at(at, GOES_ON);
    return probability * (1 - this.at(end, GOES_ON));
  }

  /** Mean over its pieces of P(it is in some mention), 0..1. */
  inside(span: Span): number {
    const { first, end } = piecesOf(this.pieces, span);
    let sum = 0;
    for (let at = first; at < end; at++) sum += 1 - this.at(at, OUTSIDE);
    return sum / Math.max(1, end - first);
  }

  /** Where a mention begins, or goes on without having begun. */
  private mayBegin(piece: number, begin: number): boolean {
    if (this.at(piece, BEGINS) >= begin) return true;
    const before = piece === 0 ? 1 : this.at(piece - 1, OUTSIDE);
    return this.at(piece, GOES_ON) > 0.5 && before > 0.5;
  }

  private endFrom(first: number, least: number): number {
    let end = first + 1;
    while (end < this.pieces.ids.length && this.at(end, GOES_ON) >= least) end++;
    return end;
  }

  private spanOf({ first, end }: PieceRange): Span | null {
    const start = this.pieces.starts[first] ?? 0;
    return snappedToWords(this.text, { start, end: this.pieces.ends[end - 1] ?? 0 });
  }

  private at(piece: number, tag: number): number {
    return this.probabilities[piece * TAGS + tag] ?? 0;
  }
}
