/** A half-open range of UTF-16 units `[start, end)` of a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}
