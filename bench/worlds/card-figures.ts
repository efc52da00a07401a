/** Recall at 1, 10, 64 and 100. */
export type RecallRow = readonly [number, number, number, number];

export interface CardFigures {
  /** Mentions of the card's sample of the dev split. */
  readonly mentions: number;
  /** Dense vectors alone. */
  readonly dual: RecallRow;
  /** Dense, alias and BM25 in one order: the setting of `--rerank none`. */
  readonly hybrid: RecallRow;
  /** Accuracy on 120 mentions of that sample: hybrid's first, and after reranking the first 2, 4 and 8. */
  readonly reranked?: {
    readonly hybrid: number;
    readonly fused: readonly [number, number, number];
  };
}

/**
 * What the card of model v0 says of the dev splits (models/referent-v0/README.md, "Numbers"). The rows of the
 * reranker were made with a fusion weight chosen on each world; the shipped manifest has one weight for all.
 */
export const CARD: Readonly<Record<string, CardFigures>> = {
  mdn: {
    mentions: 1500,
    dual: [0.793, 0.935, 0.967, 0.972],
    hybrid: [0.811, 0.935, 0.967, 0.972],
    reranked: { hybrid: 0.825, fused: [0.858, 0.858, 0.867] },
  },
  rpg: {
    mentions: 550,
    dual: [0.798, 0.965, 0.987, 0.987],
    hybrid: [0.785, 0.964, 0.987, 0.987],
    reranked: { hybrid: 0.75, fused: [0.8, 0.825, 0.825] },
  },
  foldoc: {
    mentions: 426,
    dual: [0.986, 1, 1, 1],
    hybrid: [0.998, 1, 1, 1],
    reranked: { hybrid: 1, fused: [1, 1, 1] },
  },
  disease: {
    mentions: 1500,
    dual: [0.753, 0.908, 0.945, 0.952],
    hybrid: [0.764, 0.927, 0.964, 0.967],
    reranked: { hybrid: 0.858, fused: [0.867, 0.883, 0.883] },
  },
  win32: {
    mentions: 1500,
    dual: [0.823, 0.93, 0.965, 0.968],
    hybrid: [0.832, 0.93, 0.966, 0.97],
    reranked: { hybrid: 0.825, fused: [0.833, 0.833, 0.833] },
  },
  attack: {
    mentions: 989,
    dual: [0.977, 1, 1, 1],
    hybrid: [0.975, 1, 1, 1],
  },
};
