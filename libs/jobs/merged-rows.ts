/** Rows in rising key order: keys [N], vectors [N, D]. */
export interface RowPage {
  readonly keys: readonly number[];
  readonly vectors: Float32Array;
}

/** A key and its vector [D] on either side; null where a side has none. */
export interface MergedRow {
  readonly key: number;
  readonly left: Float32Array | null;
  readonly right: Float32Array | null;
}

interface Row {
  readonly key: number;
  readonly vector: Float32Array;
}

/** Two streams of rows side by side, in key order. */
export class MergedRows implements AsyncIterable<MergedRow> {
  constructor(
    private readonly left: AsyncIterable<RowPage>,
    private readonly right: AsyncIterable<RowPage>,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<MergedRow> {
    const lefts = rowsOf(this.left);
    const rights = rowsOf(this.right);
    let left = await next(lefts);
    let right = await next(rights);
    while (left !== null || right !== null) {
      const key = Math.min(left?.key ?? Infinity, right?.key ?? Infinity);
      const inLeft = left?.key === key ? left : null;
      const inRight = right?.key === key ? right : null;
      yield { key, left: inLeft?.vector ?? null, right: inRight?.vector ?? null };
      if (inLeft !== null) left = await next(lefts);
      if (inRight !== null) right = await next(rights);
    }
  }
}

async function* rowsOf(pages: AsyncIterable<RowPage>): AsyncGenerator<Row, undefined> {
  for await (const { keys, vectors } of pages) {
    const width = vectors.length / keys.length;
    for (const [row, key] of keys.entries()) {
      yield { key, vector: vectors.subarray(row * width, (row + 1) * width) };
    }
  }
  return undefined;
}

async function next(rows: AsyncGenerator<Row, undefined>): Promise<Row | null> {
  const result = await rows.next();
  return result.value ?? null;
}
