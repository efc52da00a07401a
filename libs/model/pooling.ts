import type { EntityBatch, MentionBatch } from './engine.js';

/** Hidden states [B, T, H] row-major. */
export interface HiddenStates {
  readonly values: Float32Array;
  readonly width: number;
  readonly hiddenSize: number;
}

/** Parts that a head reads for one mention or entity. */
export const PARTS = 4;

/** What a head reads: values [items, PARTS, H] row-major. */
export interface Parts {
  readonly items: number;
  readonly values: Float32Array;
}

/** Reads means and single states of one batch's hidden states into the heads' input. */
class PartWriter {
  readonly parts: Float32Array;

  constructor(
    private readonly hidden: HiddenStates,
    items: number,
  ) {
    this.parts = new Float32Array(items * PARTS * hidden.hiddenSize);
  }

  /** Mean of states `[first, end)` of a row; zeros where there are none. */
  mean(item: number, part: number, row: number, first: number, end: number): void {
    const { values, width, hiddenSize } = this.hidden;
    const { parts } = this;
    const to = (item * PARTS + part) * hiddenSize;
    for (let t = first; t < end; t++) {
      const from = (row * width + t) * hiddenSize;
      for (let h = 0; h < hiddenSize; h++)
        parts[to + h] = (parts[to + h] ?? 0) + (values[from + h] ?? 0);
    }
    if (end - first < 2) return;
    const share = 1 / (end - first);
    for (let h = 0; h < hiddenSize; h++) parts[to + h] = (parts[to + h] ?? 0) * share;
  }

  state(item: number, part: number, row: number, at: number): void {
    const { values, width, hiddenSize } = this.hidden;
    const from = (row * width + at) * hiddenSize;
    this.parts.set(values.subarray(from, from + hiddenSize), (item * PARTS + part) * hiddenSize);
  }
}

/** [B, T, H] -> [M, 4, H]: mean of the span, its first state, its last, [CLS] (model card, "Mention vector"). */
export function mentionParts(hidden: HiddenStates, batch: MentionBatch): Parts {
  const writer = new PartWriter(hidden, batch.rows.length);
  batch.rows.forEach((row, m) => {
    const first = batch.firsts[m] ?? 0;
    const end = batch.ends[m] ?? 0;
    writer.mean(m, 0, row, first, end);
    writer.state(m, 1, row, first);
    writer.state(m, 2, row, end - 1);
    writer.state(m, 3, row, 0);
  });
  return { items: batch.rows.length, values: writer.parts };
}

/** [B, T, H] -> [B, 4, H]: [CLS], means of title, of all, and of middle with description (model card, "Entity vector"). */
export function entityParts(hidden: HiddenStates, batch: EntityBatch): Parts {
  const writer = new PartWriter(hidden, batch.lengths.length);
  batch.lengths.forEach((length, b) => {
    const title = batch.titlePieces[b] ?? 0;
    writer.state(b, 0, b, 0);
    writer.mean(b, 1, b, 1, title + 1);
    writer.mean(b, 2, b, 0, length);
    writer.mean(b, 3, b, title + 2, length - 1);
  });
  return { items: batch.lengths.length, values: writer.parts };
}
