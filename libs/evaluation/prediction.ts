import type { EntityRecord } from '../contract/entity.js';
import type { Decision, Mention, RankedCandidate } from '../linking/stages.js';
import type { Judged, Verdict } from './judge.js';

export const DEFAULT_CANDIDATES = 5;
const CONTEXT_CHARS = 80;

/** All that the pipeline knows of a candidate, whatever that is; and what the gold and its record say of it. */
export interface PredictedCandidate extends Omit<RankedCandidate, 'key'> {
  readonly entityId: string;
  readonly title: string;
  readonly isGold: boolean;
}

/** All that the pipeline knows of a mention, whatever that is. */
export interface PredictedMention extends Mention {
  /** Candidates that carry the surface as a name, however many of them are written here. */
  readonly sameName: number;
  readonly pairsScored: number;
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
  /** undefined where the answer has no such mention. */
  readonly mention?: PredictedMention;
  /** Best first. */
  readonly candidates: readonly PredictedCandidate[];
  readonly context: string;
}

export interface PredictedDocument {
  readonly id: string;
  readonly text: string;
}

export interface PredictionOptions {
  /** Candidates of a mention to write, at most. */
  readonly candidates: number;
  /** Records of entities by key; undefined where an entity is gone. */
  readonly recordOf: (key: number) => EntityRecord | undefined;
}

/** The keys whose records `prediction` will ask for. */
export const keysOf = ({ gold, decision }: Judged, candidates: number): number[] => [
  ...(gold?.key == null ? [] : [gold.key]),
  ...(decision?.ranked.candidates ?? []).slice(0, candidates).map(({ key }) => key),
];

export function prediction(
  { id, text }: PredictedDocument,
  judged: Judged,
  options: PredictionOptions,
): Prediction {
  const { span, gold, decision, verdict } = judged;
  const titleOf = (key: number | null | undefined): string | null =>
    key == null ? null : (options.recordOf(key)?.title ?? null);
  return {
    documentId: id,
    ...span,
    surface: text.slice(span.start, span.end),
    verdict,
    ...(gold !== null && { gold: { entityId: gold.entityId, title: titleOf(gold.key) } }),
    ...(decision !== null && {
      predicted: {
        entityId: decision.key === null ? null : (options.recordOf(decision.key)?.id ?? null),
        title: titleOf(decision.key),
        confidence: decision.confidence,
      },
      mention: predictedMention(decision),
    }),
    candidates: bestCandidates(judged, options),
    context: `${text.slice(Math.max(0, span.start - CONTEXT_CHARS), span.start)}[${text.slice(span.start, span.end)}]${text.slice(span.end, span.end + CONTEXT_CHARS)}`,
  };
}

function predictedMention({ ranked }: Decision): PredictedMention {
  return {
    ...ranked.mention,
    sameName: ranked.candidates.filter(({ exactAlias }) => exactAlias).length,
    pairsScored: ranked.pairsScored,
  };
}

function bestCandidates(
  { gold, decision }: Judged,
  { candidates, recordOf }: PredictionOptions,
): PredictedCandidate[] {
  if (decision === null) return [];
  return decision.ranked.candidates.slice(0, candidates).flatMap(({ key, ...known }) => {
    const record = recordOf(key);
    if (record === undefined) return [];
    const { id: entityId, title } = record;
    return [{ entityId, title, isGold: key === gold?.key, ...known }];
  });
}
