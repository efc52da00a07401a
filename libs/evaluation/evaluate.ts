import type { Versions } from '../contract/annotate.js';
import type { EntityTable } from '../kb/kb-store.js';
import type { Annotation, Linker } from '../linking/linker.js';
import type { RerankMode } from '../linking/stages.js';
import { readGold, type GoldDocument, type GoldMention } from './gold.js';
import {
  judge,
  type GoldTarget,
  type JudgedDocument,
  type MentionSource,
  type Verdict,
} from './judge.js';
import { planSample } from './plan.js';
import { DEFAULT_CANDIDATES, keysOf, prediction, type Prediction } from './prediction.js';
import { Tally, type Figures } from './tally.js';

export interface EvaluateOptions {
  /** JSON Lines of documents with labelled mentions, also gzipped. */
  readonly file: string;
  readonly linker: Linker;
  /** Entities of the KB that the linker links to: says which gold ids it has. */
  readonly entities: EntityTable;
  readonly source: MentionSource;
  readonly rerank: RerankMode;
  /** false: as if nothing had been learned or given as a prior. Default: true. */
  readonly priors?: boolean;
  readonly limit?: number | undefined;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (state: { done: number; total: number }) => void;
  readonly onPrediction?: ((prediction: Prediction) => Promise<void>) | undefined;
  /** Candidates of each mention that a prediction has, at most; default: 5. */
  readonly predictedCandidates?: number | undefined;
}

export interface Evaluation extends Figures {
  /** Gold mentions by what became of them, and detected mentions that the gold does not have. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  readonly settings: {
    readonly file: string;
    readonly mentions: MentionSource;
    readonly rerank: RerankMode;
    readonly priors: boolean;
    readonly limit: number | null;
    readonly seed: number;
    /** Gold mentions in the file, and those drawn from it. */
    readonly available: number;
    readonly drawn: number;
  };
  /** null where the file has no document to link. */
  readonly versions: Versions | null;
}

/**
 * Links the documents of a gold file one at a time and counts. The same file, KB, model and settings give the same
 * figures, times aside. Given spans of a document are linked in one call, so that it is encoded once.
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const plan = await planSample({ ...options, limit: options.limit });
  const tally = new Tally();
  const verdicts = new Map<Verdict, number>();
  let versions: Versions | null = null;
  let done = 0;
  for await (const document of readGold(options.file)) {
    const mentions = plan.take(document);
    if (mentions === null) continue;
    const annotation = await link(document, mentions, options);
    const targets = await withKeys(mentions, options.entities);
    const result = judge(targets, annotation, options.source);
    tally.add(result.outcome);
    for (const { verdict } of result.judged)
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    await writePredictions(document, { annotation, result }, options);
    versions = annotation.versions;
    options.onProgress?.({ done: (done += mentions.length), total: plan.mentions });
  }
  return {
    ...tally.figures(),
    verdicts: Object.fromEntries([...verdicts].sort()),
    settings: settingsOf(options, plan),
    versions,
  };
}

function link(
  { text }: GoldDocument,
  mentions: readonly GoldMention[],
  { linker, rerank, priors, signal, source }: EvaluateOptions,
): Promise<Annotation> {
  const document = source === 'given' ? { text, mentions } : { text };
  return linker.annotate(document, { rerank, priors, signal });
}

async function withKeys(
  mentions: readonly GoldMention[],
  entities: EntityTable,
): Promise<GoldTarget[]> {
  const ids = mentions.flatMap(({ entityId }) => (entityId === null ? [] : [entityId]));
  const stored = await entities.byIds([...new Set(ids)]);
  return mentions.map(({ start, end, entityId }) => ({
    start,
    end,
    entityId,
    key: entityId === null ? null : (stored.get(entityId)?.key ?? null),
  }));
}

async function writePredictions(
  document: GoldDocument,
  { annotation, result }: { annotation: Annotation; result: JudgedDocument },
  { onPrediction, predictedCandidates: candidates = DEFAULT_CANDIDATES }: EvaluateOptions,
): Promise<void> {
  if (onPrediction === undefined) return;
  const { records } = annotation;
  await records.load(result.judged.flatMap((judged) => keysOf(judged, candidates)));
  const options = { candidates, recordOf: (key: number) => records.get(key) };
  for (const judged of result.judged) await onPrediction(prediction(document, judged, options));
}

function settingsOf(
  { file, source, rerank, priors = true, limit, seed }: EvaluateOptions,
  plan: { available: number; mentions: number },
): Evaluation['settings'] {
  return {
    file,
    mentions: source,
    rerank,
    priors,
    limit: limit ?? null,
    seed,
    available: plan.available,
    drawn: plan.mentions,
  };
}
