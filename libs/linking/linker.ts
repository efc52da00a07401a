import type { Versions } from '../contract/annotate.js';
import { ReferentError } from '../contract/errors.js';
import type { LinkingModel } from '../model/linking-model.js';
import type { Span } from '../text/span.js';
import { decide } from './decide.js';
import { thresholdFor } from './precision.js';
import { detect } from './detect.js';
import { encode, type EncodedMentions } from './encode.js';
import { givenMentions } from './given.js';
import { withKeyphraseness } from './keyphraseness.js';
import type { KnowledgeBase } from './knowledge-base.js';
import { listedNames } from './listed-names.js';
import { Records } from './records.js';
import { rerank, type Reranked } from './rerank.js';
import { retrieve } from './retrieve.js';
import { weighed } from './span-probability.js';
import { StepClock } from './step-clock.js';
import type {
  Decision,
  Mention,
  RankedMention,
  RerankMode,
  RetrievedMention,
  StepTimings,
} from './stages.js';

/** A text and, where the caller knows them, its mentions: half-open spans in UTF-16 units. */
export interface LinkerDocument {
  readonly text: string;
  readonly mentions?: readonly Span[] | undefined;
}

export interface LinkerOptions {
  /** Default: adaptive. */
  readonly rerank?: RerankMode | undefined;
  /** Below this a mention is NIL; default: the model's own threshold. */
  readonly minConfidence?: number | undefined;
  /** Instead: the threshold above which this share of links was right when the model was calibrated. */
  readonly minPrecision?: number | undefined;
  /** false: without anything that was learned from labelled texts or given as a prior, for measuring. Default: true. */
  readonly priors?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LinkerLimits {
  /** Mentions of one document, given or detected: each costs a search and some pairs of the cross-encoder. */
  readonly maxMentions: number;
}

const DEFAULT_LIMITS: LinkerLimits = { maxMentions: 10_000 };

interface Made {
  readonly timings: StepTimings;
  readonly versions: Versions;
}

/** What detect found, or what was given. */
export interface Detection extends Made {
  readonly mentions: readonly Mention[];
}

/** What retrieve found; `records` has the entities of all candidates. */
export interface Retrieval extends Made {
  readonly mentions: readonly RetrievedMention[];
  readonly records: Records;
}

/** The five steps' result. */
export interface Annotation extends Made {
  /** Given mentions in the order given, detected ones by place and without overlaps. */
  readonly decisions: readonly Decision[];
  /** Every mention that was linked, before decide chose among overlapping ones. */
  readonly ranked: readonly RankedMention[];
  /** Has the entities of the decisions; `load` fetches others. */
  readonly records: Records;
  readonly pairsScored: number;
}

/** Links texts to one knowledge base with one model. Holds no state of its own; calls may overlap. */
export class Linker {
  constructor(
    private readonly model: LinkingModel,
    private readonly kb: KnowledgeBase,
    private readonly limits: LinkerLimits = DEFAULT_LIMITS,
  ) {}

  /** text → detect → encode → retrieve → rerank → decide → links. */
  async annotate(document: LinkerDocument, options: LinkerOptions = {}): Promise<Annotation> {
    const clock = new StepClock();
    const records = new Records(this.kb.store.entities);
    const { calibration } = this.model.manifest;
    const minConfidence = this.threshold(document, options);

    const mentions = await clock.time('detect', () => this.detect(document, options));
    const encoded = await clock.time('encode', () => encode(document.text, mentions, this.model));
    const { versions, ...found } = await clock.time('retrieve', () =>
      this.retrieve(document, encoded, options),
    );
    const { ranked, pairsScored } = await clock.time('rerank', () =>
      this.rerank(encoded, found.retrieved, { ...options, minConfidence, records }),
    );
    const decisions = await clock.time('decide', () =>
      decide(ranked, { calibration, minConfidence }),
    );

    return { decisions, ranked, records, pairsScored, versions, timings: clock.timings() };
  }

  /** The first step alone. */
  async mentions(document: LinkerDocument, options: LinkerOptions = {}): Promise<Detection> {
    const clock = new StepClock();
    const mentions = await clock.time('detect', () => this.detect(document, options));
    return { mentions, versions: this.kb.versions(), timings: clock.timings() };
  }

  /** The first three steps alone. */
  async candidates(document: LinkerDocument, options: LinkerOptions = {}): Promise<Retrieval> {
    const clock = new StepClock();
    const records = new Records(this.kb.store.entities);
    const mentions = await clock.time('detect', () => this.detect(document, options));
    const encoded = await clock.time('encode', () => encode(document.text, mentions, this.model));
    const { retrieved, versions } = await clock.time('retrieve', () =>
      this.retrieve(document, encoded, options),
    );
    return { mentions: retrieved, records, versions, timings: clock.timings() };
  }

  private async detect(document: LinkerDocument, options: LinkerOptions): Promise<Mention[]> {
    options.signal?.throwIfAborted();
    const { text, mentions: given } = document;
    if (given === undefined) return this.detectAll(text, options);
    this.checkCount(given.length);
    return givenMentions(text, given);
  }

  private async detectAll(
    text: string,
    { signal, priors = true }: LinkerOptions,
  ): Promise<Mention[]> {
    const { model, kb } = this;
    const { names: table, learned } = kb.store;
    const names = priors ? kb.names : await listedNames(text, { names: kb.names, table, signal });
    const found = await detect(text, { names, model, signal });
    this.checkCount(found.length);
    const known = priors ? await withKeyphraseness(found, learned) : found;
    return weighed(known, model.manifest.calibration.span);
  }

  private retrieve(
    { text }: LinkerDocument,
    encoded: EncodedMentions,
    { signal, priors = true }: LinkerOptions,
  ): Promise<{ retrieved: readonly RetrievedMention[]; versions: Versions }> {
    signal?.throwIfAborted();
    return this.kb.read(async (index) => {
      const { calibration } = this.model.manifest;
      const { names, learned } = this.kb.store;
      const options = { index, names, learned, priors, calibration, signal };
      const retrieved = await retrieve(text, encoded, options);
      return { retrieved, versions: this.kb.versions() };
    });
  }

  private async rerank(
    { pieces }: EncodedMentions,
    retrieved: readonly RetrievedMention[],
    { records, ...options }: LinkerOptions & { records: Records; minConfidence: number },
  ): Promise<{ ranked: readonly RankedMention[]; pairsScored: number }> {
    const { signal, minConfidence, rerank: mode = 'adaptive' } = options;
    signal?.throwIfAborted();
    const how = { mode, model: this.model, records, minConfidence, signal };
    const { mentions, pairsScored }: Reranked = await rerank(pieces, retrieved, how);
    return { ranked: await withRecords(mentions, records), pairsScored };
  }

  private threshold(
    { mentions }: LinkerDocument,
    { minConfidence, minPrecision }: LinkerOptions,
  ): number {
    const { calibration } = this.model.manifest;
    if (minPrecision !== undefined) return thresholdFor(minPrecision, calibration);
    const { threshold, detected } = calibration.nil;
    return minConfidence ?? (mentions === undefined ? detected : threshold);
  }

  private checkCount(count: number): void {
    if (count <= this.limits.maxMentions) return;
    throw new ReferentError(
      'too-large',
      `The text has ${count} mentions; at most ${this.limits.maxMentions} are linked at a time. ` +
        'Send the text in parts.',
    );
  }
}

/** Loads each mention's first candidate; one that was deleted since it was retrieved gives way to the next. */
async function withRecords(
  ranked: readonly RankedMention[],
  records: Records,
): Promise<readonly RankedMention[]> {
  await records.load(
    ranked.flatMap(({ candidates }) => candidates.slice(0, 1).map(({ key }) => key)),
  );
  const isGone = (mention: RankedMention) =>
    mention.candidates.some(({ key }) => records.isGone(key));
  if (!ranked.some(isGone)) return ranked;
  const remaining = ranked.map((mention) => ({
    ...mention,
    candidates: mention.candidates.filter(({ key }) => !records.isGone(key)),
  }));
  return withRecords(remaining, records);
}
