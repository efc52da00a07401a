/** For a million entities. */
export const GOALS = {
  /** Entities an import takes a second, encoder and index excluded. */
  perSecond: 20_000,
  /** Build rate to that of bare USearch. */
  buildRatio: 0.9,
  megabytes: 1_000,
  /** From start to ready. */
  seconds: 2,
  /** Of the top 100, p50. */
  milliseconds: 2,
  recall: 0.99,
} as const;
