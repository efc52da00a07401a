import type { AnnotateOptions, CandidateScores, Link } from '../contract/annotate.js';
import { CodePointOffsets } from '../text/offsets.js';
import type { Span } from '../text/span.js';
import type { Annotation, LinkerOptions } from './linker.js';
import type { Records } from './records.js';
import type { Candidate, Decision, Mention, RankedCandidate, Step, StepTimings } from './stages.js';

export type OffsetUnit = AnnotateOptions['offsetUnit'];
export type AnswerOptions = Pick<AnnotateOptions, 'offsetUnit' | 'candidates' | 'includeNil'>;

/** What of a request's options the linker is told; API and command line ask alike. */
export function linkerOptions({
  rerank,
  minConfidence,
  minPrecision,
  priors,
  strict,
  includeNil,
}: Pick<
  AnnotateOptions,
  'rerank' | 'minConfidence' | 'minPrecision' | 'priors' | 'strict' | 'includeNil'
>): LinkerOptions {
  const linksOnly = includeNil !== true;
  return { rerank, minConfidence, minPrecision, priors, strict, linksOnly };
}

/** Scores are rounded to this many decimals: enough to tell candidates apart, and readable. */
const DECIMALS = 6;

/** The links of an annotation as the contract has them: what API and command line both print. */
export async function linksOf(
  text: string,
  annotation: Annotation,
  options: AnswerOptions,
): Promise<Link[]> {
  const { decisions, records } = annotation;
  const shown = decisions.filter((decision) => isShown(decision, options));
  await records.load(shown.flatMap(({ ranked }) => candidatesShown(ranked.candidates, options)));
  const place = spanWriter(text, options.offsetUnit);
  return shown.map((decision) => linkOf(decision, { records, place, options }));
}

/** Spans in the caller's unit as UTF-16 spans; ranges are checked by the linker. */
export function readSpans(text: string, spans: readonly Span[], unit: OffsetUnit): readonly Span[] {
  if (unit === 'utf16') return spans;
  const offsets = new CodePointOffsets(text);
  return spans.map(({ start, end }) => ({
    start: offsets.toUtf16(start),
    end: offsets.toUtf16(end),
  }));
}

/** Turns UTF-16 spans into the caller's unit. */
export function spanWriter(text: string, unit: OffsetUnit): (span: Span) => Span {
  if (unit === 'utf16') return ({ start, end }) => ({ start, end });
  const offsets = new CodePointOffsets(text);
  return ({ start, end }) => ({
    start: offsets.toCodePoint(start),
    end: offsets.toCodePoint(end),
  });
}

/** A detected mention for the answer of `/v1/mentions`. */
export function mentionAnswer(mention: Mention, place: (span: Span) => Span) {
  const { surface, source, spanProbability } = mention;
  return { ...place(mention), surface, source, spanProbability };
}

/** A candidate before reranking; undefined where its entity is gone. Load its record first. */
export function retrievedAnswer(
  candidate: Candidate,
  records: Records,
): Omit<CandidateScores, 'logit' | 'fusedScore'> | undefined {
  const record = records.get(candidate.key);
  if (record === undefined) return undefined;
  return {
    entityId: record.id,
    title: record.title,
    cosine: rounded(candidate.cosine),
    lexicalRank: candidate.lexicalRank,
    exactTitle: candidate.exactTitle,
    exactAlias: candidate.exactAlias,
    prior: candidate.prior === null ? null : rounded(candidate.prior),
    priorMentions: candidate.priorMentions,
    retrievalScore: rounded(candidate.retrievalScore),
    sources: [...candidate.sources],
  };
}

/** Milliseconds by step for the answer; microseconds are enough. */
export function timingsAnswer(timings: StepTimings): Record<Step, number> {
  const round = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
  return {
    detect: round(timings.detect),
    encode: round(timings.encode),
    retrieve: round(timings.retrieve),
    rerank: round(timings.rerank),
    decide: round(timings.decide),
  };
}

interface LinkContext {
  readonly records: Records;
  readonly place: (span: Span) => Span;
  readonly options: AnswerOptions;
}

function linkOf({ ranked, key, confidence }: Decision, context: LinkContext): Link {
  const { records, place, options } = context;
  const { mention } = ranked;
  const record = key === null ? undefined : records.get(key);
  return {
    ...place(mention),
    surface: mention.surface,
    entityId: record?.id ?? null,
    title: record?.title ?? null,
    confidence: rounded(confidence),
    source: mention.source,
    ...(record?.url === undefined ? {} : { url: record.url }),
    ...(options.candidates === false
      ? {}
      : { candidates: rankedAnswers(ranked.candidates, context) }),
  };
}

function rankedAnswers(
  candidates: readonly RankedCandidate[],
  { records, options }: LinkContext,
): CandidateScores[] {
  return candidates.slice(0, candidateLimit(options)).flatMap((candidate) => {
    const answer = retrievedAnswer(candidate, records);
    if (answer === undefined) return [];
    const logit = candidate.logit === null ? null : rounded(candidate.logit);
    const { sources, ...scores } = answer;
    return [{ ...scores, logit, fusedScore: rounded(candidate.fusedScore), sources }];
  });
}

/** NIL is reported for given mentions and not for detected ones, unless the caller says otherwise. */
function isShown({ key, ranked }: Decision, { includeNil }: AnswerOptions): boolean {
  return key !== null || (includeNil ?? ranked.mention.source === 'given');
}

function candidatesShown(candidates: readonly Candidate[], options: AnswerOptions): number[] {
  return candidates.slice(0, candidateLimit(options)).map(({ key }) => key);
}

function candidateLimit({ candidates }: AnswerOptions): number {
  if (typeof candidates === 'number') return candidates;
  return candidates ? Infinity : 0;
}

function rounded(score: number): number {
  return Number(score.toFixed(DECIMALS));
}
