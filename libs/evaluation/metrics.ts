/** What evaluation counts, as pure functions of counts and lists. Every ratio is null where its denominator is 0. */

export type Ratio = number | null;

export interface PrecisionRecallF1 {
  readonly precision: Ratio;
  readonly recall: Ratio;
  readonly f1: Ratio;
}

/** How many predictions are right, how many were made, how many there are to find. */
export interface MatchCounts {
  readonly right: number;
  readonly predicted: number;
  readonly gold: number;
}

export const ratio = (part: number, whole: number): Ratio => (whole === 0 ? null : part / whole);

export const mean = (values: readonly number[]): Ratio =>
  ratio(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
  );

/** F1 is 2·right / (predicted + gold): the harmonic mean of precision and recall, and 0 where nothing is right. */
export function precisionRecallF1({ right, predicted, gold }: MatchCounts): PrecisionRecallF1 {
  return {
    precision: ratio(right, predicted),
    recall: ratio(right, gold),
    f1: ratio(2 * right, predicted + gold),
  };
}

/** The mean over the documents of `right / whole`; documents with nothing to count are left out. */
export function byDocument(
  documents: readonly { readonly right: number; readonly whole: number }[],
): Ratio {
  return mean(documents.filter(({ whole }) => whole > 0).map(({ right, whole }) => right / whole));
}

/**
 * Annotations of one text that agree: each key (a span, or a span with its entity) counts once on each side,
 * as in GERBIL's strong matching, where a document is a set of annotations.
 */
export function matchKeys(predicted: Iterable<string>, gold: Iterable<string>): MatchCounts {
  const predictedKeys = new Set(predicted);
  const goldKeys = new Set(gold);
  const right = [...predictedKeys].filter((key) => goldKeys.has(key)).length;
  return { right, predicted: predictedKeys.size, gold: goldKeys.size };
}

export const addCounts = (a: MatchCounts, b: MatchCounts): MatchCounts => ({
  right: a.right + b.right,
  predicted: a.predicted + b.predicted,
  gold: a.gold + b.gold,
});

/**
 * Macro figures the way GERBIL makes them: each the mean over documents, F1 of its own. A document with nothing to
 * find and nothing predicted counts as all right; with only one of the two empty, as all wrong.
 */
export function macroFigures(documents: readonly MatchCounts[]): PrecisionRecallF1 {
  const figures = documents.map(documentFigures);
  return {
    precision: mean(figures.map(({ precision }) => precision)),
    recall: mean(figures.map(({ recall }) => recall)),
    f1: mean(figures.map(({ f1 }) => f1)),
  };
}

function documentFigures(counts: MatchCounts): { precision: number; recall: number; f1: number } {
  const isEmpty = counts.predicted === 0 && counts.gold === 0;
  const { precision, recall, f1 } = precisionRecallF1(counts);
  const fallback = isEmpty ? 1 : 0;
  return {
    precision: precision ?? fallback,
    recall: recall ?? fallback,
    f1: f1 ?? fallback,
  };
}
