import type { Versions } from '../contract/annotate.js';
import { ReferentError } from '../contract/errors.js';
import type { Lane } from '../contract/jobs.js';
import type { LinkingModel } from '../model/linking-model.js';
import type { Span } from '../text/span.js';
import { decide } from './decide.js';
import { thresholdFor } from './precision.js';
import { detect } from './detect.js';
import { encode, type EncodedMentions } from './encode.js';
import { givenMentions } from './given.js';
import { withKeyphraseness } from './keyphraseness.js';
import type { KnowledgeBase } from './knowledge-base.js';
import { documentLinked } from './linking-events.js';
import { listedNames } from './listed-names.js';
import { LocalReranker } from './local-reranker.js';
import { Records } from './records.js';
import { rerank } from './rerank.js';
import { RerankUnavailable, type Reranker } from './reranker.js';
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
  /**
   * Detected spans so doubtful that they are NIL whatever stands there are dropped after detect, for who does not want to
   * see them: neither encoded nor searched for. The links are the same. Default: false.
   */
  readonly linksOnly?: boolean | undefined;
  /** Where the cross-encoder is not to be had in time: fail, rather than decide without it. Default: false. */
  readonly strict?: boolean | undefined;
  /** Default: interactive. */
  readonly lane?: Lane | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LinkerSettings {
  /** Mentions of one document, given or detected: each costs a search and some pairs of the cross-encoder. */
  readonly maxMentions?: number | undefined;
  /** Default: the model's cross-encoder in this process. */
  readonly reranker?: Reranker | undefined;
}

const MAX_MENTIONS = 10_000;

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
  /** The cross-encoder was not to be had: the decisions are the dual encoder's alone. */
  readonly degraded: boolean;
}

interface Ranked {
  readonly ranked: readonly RankedMention[];
  readonly pairsScored: number;
  readonly degraded: boolean;
}

/** Links texts to one knowledge base with one model. Holds no state of its own; calls may overlap. */
export class Linker {
  private readonly reranker: Reranker;

  constructor(
    private readonly model: LinkingModel,
    private readonly kb: KnowledgeBase,
    private readonly settings: LinkerSettings = {},
  ) {
    this.reranker = settings.reranker ?? new LocalReranker(model);
  }

  /** text → detect → encode → retrieve → rerank → decide → links. */
  async annotate(document: LinkerDocument, options: LinkerOptions = {}): Promise<Annotation> {
    const clock = new StepClock();
    const records = new Records(this.kb.store.entities);
    const { calibration } = this.model.manifest;
    const minConfidence = this.threshold(document, options);

    const detected = await clock.time('detect', () => this.detect(document, options));
    const mentions = options.linksOnly ? withoutHopeless(detected, minConfidence) : detected;
    const encoded = await clock.time('encode', () => this.encode(document.text, mentions, options));
    const { versions, ...found } = await clock.time('retrieve', () =>
      this.retrieve(document, encoded, options),
    );
    const { ranked, ...reranked } = await clock.time('rerank', () =>
      this.rerank(document.text, { ...encoded, ...found }, { ...options, minConfidence, records }),
    );
    const decisions = await clock.time('decide', () =>
      decide(ranked, { calibration, minConfidence }),
    );

    const { pairsScored, degraded: isDegraded } = reranked;
    documentLinked.publish({ ...countsOf(decisions), pairsScored, isDegraded });
    return { decisions, ranked, records, ...reranked, versions, timings: clock.timings() };
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
    const encoded = await clock.time('encode', () => this.encode(document.text, mentions, options));
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
    { signal, lane, priors = true }: LinkerOptions,
  ): Promise<Mention[]> {
    const { model, kb } = this;
    const { names: table, learned } = kb.store;
    const names = priors ? kb.names : await listedNames(text, { names: kb.names, table, signal });
    const now = priors ? table : undefined;
    const found = await detect(text, { names, now, model, lane, signal });
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

  private encode(
    text: string,
    mentions: readonly Mention[],
    { lane = 'interactive' }: LinkerOptions,
  ): Promise<EncodedMentions> {
    return encode(text, mentions, { model: this.model, lane });
  }

  /** Without the cross-encoder where it is not to be had in time, unless the caller is strict. */
  private async rerank(
    text: string,
    found: EncodedMentions & { readonly retrieved: readonly RetrievedMention[] },
    options: LinkerOptions & { readonly records: Records; readonly minConfidence: number },
  ): Promise<Ranked> {
    options.signal?.throwIfAborted();
    const { rerank: mode = 'adaptive' } = options;
    try {
      return { ...(await this.rerankAs(mode, text, found, options)), degraded: false };
    } catch (error) {
      if (options.strict === true || !(error instanceof RerankUnavailable)) throw error;
      return { ...(await this.rerankAs('none', text, found, options)), degraded: true };
    }
  }

  private async rerankAs(
    mode: RerankMode,
    text: string,
    { pieces, retrieved }: EncodedMentions & { readonly retrieved: readonly RetrievedMention[] },
    options: LinkerOptions & { readonly records: Records; readonly minConfidence: number },
  ): Promise<Omit<Ranked, 'degraded'>> {
    const { records, minConfidence, signal, lane = 'interactive' } = options;
    const { model, reranker, kb } = this;
    const context = { pieces, records, lane, signal };
    const how = { kb: kb.name, text, mode, minConfidence, model, reranker, ...context };
    const { mentions, pairsScored } = await rerank(retrieved, how);
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
    const { maxMentions = MAX_MENTIONS } = this.settings;
    if (count <= maxMentions) return;
    throw new ReferentError(
      'too-large',
      `The text has ${count} mentions; at most ${maxMentions} are linked at a time. ` +
        'Send the text in parts.',
    );
  }
}

/** A detected mention's confidence is no higher than its span's probability. */
function withoutHopeless(mentions: readonly Mention[], minConfidence: number): readonly Mention[] {
  return mentions.filter(
    ({ source, spanProbability }) => source === 'given' || spanProbability >= minConfidence,
  );
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

function countsOf(decisions: readonly Decision[]): { mentions: number; links: number } {
  const links = decisions.filter(({ key }) => key !== null).length;
  return { mentions: decisions.length, links };
}
