import type { EntityRecord } from '../contract/entity.js';
import type { Judged, Verdict } from './judge.js';

const TOP = 5;
const CONTEXT_CHARS = 80;

export interface PredictedCandidate {
  readonly entityId: string;
  readonly title: string;
  readonly cosine: number;
  readonly retrievalScore: number;
  readonly logit: number | null;
  readonly fusedScore: number;
}

/** One line of a predictions file: the gold, the answer, and enough to see why. */
export interface Prediction {
  readonly documentId: string;
  readonly start: number;
  readonly end: number;
  readonly surface: string;
  readonly verdict: Verdict;
  /** undefined where the gold has no such mention. */
  readonly gold?: { readonly entityId: string | null; readonly title: string | null };
  /** undefined where the answer has no such mention. */
  readonly predicted?: {
    readonly entityId: string | null;
    readonly title: string | null;
    readonly confidence: number;
  };
  /** The best five, best first. */
  readonly candidates: readonly PredictedCandidate[];
  readonly context: string;
}

/** Records of entities by key; undefined where an entity is gone. */
export type RecordOf = (key: number) => EntityRecord | undefined;

export interface PredictedDocument {
  readonly id: string;
  readonly text: string;
}

/** The keys whose records `prediction` will ask for. */
export const keysOf = ({ gold, decision }: Judged): number[] => [
  ...(gold?.key == null ? [] : [gold.key]),
  ...(decision?.ranked.candidates ?? []).slice(0, TOP).map(({ key }) => key),
];

export function prediction(
  { id, text }: PredictedDocument,
  { span, gold, decision, verdict }: Judged,
  recordOf: RecordOf,
): Prediction {
  const titleOf = (key: number | null | undefined): string | null =>
    key == null ? null : (recordOf(key)?.title ?? null);
  return {
    documentId: id,
    ...span,
    surface: text.slice(span.start, span.end),
    verdict,
    ...(gold !== null && { gold: { entityId: gold.entityId, title: titleOf(gold.key) } }),
    ...(decision !== null && {
      predicted: {
        entityId: decision.key === null ? null : (recordOf(decision.key)?.id ?? null),
        title: titleOf(decision.key),
        confidence: decision.confidence,
      },
    }),
    candidates: topCandidates(decision, recordOf),
    context: `${text.slice(Math.max(0, span.start - CONTEXT_CHARS), span.start)}[${text.slice(span.start, span.end)}]${text.slice(span.end, span.end + CONTEXT_CHARS)}`,
  };
}

function topCandidates(decision: Judged['decision'], recordOf: RecordOf): PredictedCandidate[] {
  const candidates = decision?.ranked.candidates ?? [];
  return candidates.slice(0, TOP).flatMap((candidate) => {
    const record = recordOf(candidate.key);
    if (record === undefined) return [];
    const { cosine, retrievalScore, logit, fusedScore } = candidate;
    const { id: entityId, title } = record;
    return [{ entityId, title, cosine, retrievalScore, logit, fusedScore }];
  });
}
