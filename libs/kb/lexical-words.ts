/** Which words of a query are asked for, and which find rows: the same in every store. */

/** Weights of the model card's BM25: the mention's own words, and the words around it. */
export const MENTION_WEIGHT = 3;
export const CONTEXT_WEIGHT = 0.25;
export const MAX_MENTION_TOKENS = 32;
export const MAX_CONTEXT_TOKENS = 24;
/** A word of the context that stands in more entities than this says little and costs much. */
const CONTEXT_FREQUENCY_LIMIT = 0.05;
/**
 * Ranking costs time for every row that matches. So rows are found by the rarest words only, as many as stay under
 * this number of rows together; all words score the rows found. Recall at 100 is that of scoring every row
 * (bench/store.bench.ts), at a tenth of the time.
 */
const DRIVER_ROWS = 2_000;

export interface Token {
  readonly text: string;
  /** Entities that have it. */
  readonly documents: number;
}

/** In how many of the KB's entities a word of the context may stand. */
export function mostContextDocuments(entities: number): number {
  return Math.max(1, entities * CONTEXT_FREQUENCY_LIMIT);
}

/** The rarest tokens, as many as find about DRIVER_ROWS rows; at least one, the rarest first. */
export function driversOf<T extends Token>(tokens: readonly T[]): T[] {
  const rarest = [...tokens].sort((a, b) => a.documents - b.documents);
  let rows = 0;
  return rarest.filter((token, index) => {
    rows += token.documents;
    return index === 0 || rows <= DRIVER_ROWS;
  });
}
