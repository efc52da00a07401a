/** Recall at 1, 10, 64 and 100. */
export type RecallRow = readonly [number, number, number, number];

/** What was measured with model v0. */
export interface V0Figures {
  /** The card's "hybrid": dense, alias and BM25 in one order, at most 1,500 dev mentions. */
  readonly recall: RecallRow;
  /** The card measured it in a KB cut to 20,000 entities, which is easier. */
  readonly isCut: boolean;
  /** Accuracy by that order alone, and reranked. */
  readonly before: number;
  readonly reranked: number;
  /** The card's "hybrid + surface prior": accuracy with the train split's labels, without reranking. */
  readonly prior: number;
  /** Calibration error of the reranked answers; null where it was not measured. */
  readonly ece: number | null;
}

/**
 * Recall and prior: models/referent-v0/README.md of version 0.1.0 ("Numbers"). before, reranked and ece: docs/accuracy.md
 * of that version, adaptive reranking of 300 dev mentions by the product; for craft, wordnet and wiki the card's own
 * 120 mentions, the first 8 reranked with a weight chosen on each world.
 */
export const V0: Readonly<Record<string, V0Figures>> = {
  mdn: whole([0.811, 0.935, 0.967, 0.972], [0.837, 0.877], 0.87, 0.043),
  rpg: whole([0.785, 0.964, 0.987, 0.987], [0.777, 0.833], 0.893, 0.048),
  win32: whole([0.832, 0.93, 0.966, 0.97], [0.803, 0.817], 0.922, 0.045),
  foldoc: whole([0.998, 1, 1, 1], [0.997, 0.99], 1, 0.014),
  attack: whole([0.975, 1, 1, 1], [0.987, 0.98], 0.991, 0.008),
  disease: whole([0.764, 0.927, 0.964, 0.967], [0.76, 0.783], 0.827, 0.066),
  craft: cut([0.903, 0.965, 0.987, 0.991], [0.892, 0.883], 0.934),
  wordnet: cut([0.336, 0.875, 0.976, 0.985], [0.192, 0.283], 0.516),
  wiki: cut([0.859, 0.959, 0.981, 0.984], [0.892, 0.9], 0.859),
};

/** The demo's gold sentences in docs/accuracy.md of version 0.1.0, by the names of the page's rows. */
export const V0_DEMO = {
  given: {
    recall1: 0.608,
    recall10: 0.977,
    accuracy: 0.639,
    withNil: 0.586,
    nil: 0.452,
    ece: 0.199,
  },
  detected: { spans: 0.842, precision: 0.54, recall: 0.591, f1: 0.564, nil: 0.309, ece: 0.073 },
} as const;

type BeforeAndAfter = readonly [number, number];

function whole(recall: RecallRow, accuracy: BeforeAndAfter, prior: number, ece: number): V0Figures {
  const [before, reranked] = accuracy;
  return { recall, isCut: false, before, reranked, prior, ece };
}

function cut(recall: RecallRow, [before, reranked]: BeforeAndAfter, prior: number): V0Figures {
  return { recall, isCut: true, before, reranked, prior, ece: null };
}
