/** A tokenised text: piece i has vocabulary id `ids[i]` and covers `[starts[i], ends[i])` of the text, in UTF-16 units. */
export interface Pieces {
  readonly ids: Int32Array;
  /** Ascending. */
  readonly starts: Int32Array;
  /** Ascending. */
  readonly ends: Int32Array;
}
