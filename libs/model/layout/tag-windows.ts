/** The tags of a piece: it is outside every mention, begins one, goes on in one. */
export const TAGS = 3;
export const [OUTSIDE, BEGINS, GOES_ON] = [0, 1, 2] as const;

/** A stretch of pieces that the tagger reads at once, `[from, to)`, and those that it has the last word on. */
export interface TagWindow {
  readonly from: number;
  readonly to: number;
  readonly keptFrom: number;
  readonly keptTo: number;
}

interface TagLimits {
  readonly windowPieces: number;
  readonly windowStride: number;
}

/**
 * Windows over a whole text, each overlapping the next. Half of an overlap belongs to either window, so that every
 * piece is read with context on both sides.
 */
export function* tagWindows(
  textPieces: number,
  { windowPieces, windowStride }: TagLimits,
): Generator<TagWindow> {
  const overlap = windowPieces - windowStride;
  const margin = Math.floor(overlap / 2);
  for (let from = 0; from === 0 || from + overlap < textPieces; from += windowStride) {
    const to = Math.min(from + windowPieces, textPieces);
    const keptTo = to < textPieces ? to - margin : to;
    yield { from, to, keptFrom: from === 0 ? 0 : from + margin, keptTo };
  }
}
