/** What was set out to be reached, before it was measured. Dev splits. */
export interface WorldAims {
  /** Accuracy after reranking, given mentions. */
  readonly accuracy: number;
  /** The same with learned priors. */
  readonly learned?: number;
  /** Recall at 100. */
  readonly recall: number;
}

export const AIMS: Readonly<Record<string, WorldAims>> = {
  mdn: { accuracy: 0.88, learned: 0.92, recall: 0.988 },
  rpg: { accuracy: 0.89, learned: 0.93, recall: 0.993 },
  win32: { accuracy: 0.89, learned: 0.95, recall: 0.988 },
  foldoc: { accuracy: 0.997, recall: 1 },
  attack: { accuracy: 0.99, learned: 0.995, recall: 1 },
  disease: { accuracy: 0.9, learned: 0.92, recall: 0.985 },
  craft: { accuracy: 0.93, learned: 0.95, recall: 0.985 },
  wordnet: { accuracy: 0.7, learned: 0.74, recall: 0.985 },
  wiki: { accuracy: 0.9, recall: 0.985 },
};

/** F1 of spans, and of spans with their entity. */
export const DETECTION_AIMS: Readonly<Record<string, { spans: number; links: number }>> = {
  craft: { spans: 0.85, links: 0.75 },
  disease: { spans: 0.85, links: 0.72 },
  attack: { spans: 0.95, links: 0.93 },
};

export const ECE_AIM = 0.03;
export const NIL_AIM = 0.75;
export const DEMO_AIMS = { given: 0.92, detected: 0.85 } as const;

/** A figure beside its aim. */
export interface Aimed {
  readonly what: string;
  readonly aim: number;
  readonly reached: number | null;
  /** Calibration error: the smaller the better. */
  readonly isUpperBound?: boolean;
}

/** Half a thousandth: figures are printed with three digits. */
const TOLERANCE = 0.0005;

export function isReached({ aim, reached, isUpperBound = false }: Aimed): boolean {
  if (reached === null) return false;
  return isUpperBound ? reached <= aim + TOLERANCE : reached >= aim - TOLERANCE;
}
