import { STEPS, type StepTimings } from '../linking/stages.js';
import { calibration, type Calibration, type Forecast } from './calibration.js';
import {
  addCounts,
  byDocument,
  precisionRecallF1,
  ratio,
  macroFigures,
  type MatchCounts,
  type PrecisionRecallF1,
  type Ratio,
} from './metrics.js';
import type { DetectionOutcome, DocumentOutcome, MentionOutcome } from './outcome.js';

const RECALL_AT = [1, 10, 64, 100] as const;
type RecallAt = `${(typeof RECALL_AT)[number]}`;
type RecallFigures = Readonly<Record<RecallAt, Ratio>>;

export interface DetectionFigures extends PrecisionRecallF1 {
  /** Share of the gold spans among all spans that detect offered: what decide could have kept. */
  readonly offeredRecall: Ratio;
}

export interface Figures {
  readonly documents: number;
  /** Gold mentions that were linked: linkable + nil + unknownGold. */
  readonly mentions: number;
  readonly linkable: number;
  readonly nilGold: number;
  readonly unknownGold: number;
  readonly recall: RecallFigures;
  readonly recallByDocument: RecallFigures;
  readonly accuracy: Ratio;
  readonly accuracyByDocument: Ratio;
  readonly accuracyBeforeRerank: Ratio;
  readonly accuracyBeforeRerankByDocument: Ratio;
  /** Decisions that are right, NIL among them: the gold entity, or NIL where the gold says so. */
  readonly accuracyWithNil: Ratio;
  readonly accuracyWithNilByDocument: Ratio;
  /** NIL as a class of its own, and the counts behind it; null where the gold has no NIL. */
  readonly nil: (PrecisionRecallF1 & MatchCounts) | null;
  readonly pairsPerMention: Ratio;
  readonly millisecondsPerMention: Readonly<Record<keyof StepTimings, Ratio>>;
  readonly calibration: Calibration;
  readonly detection?: DetectionFigures;
  readonly detectionByDocument?: PrecisionRecallF1;
  readonly endToEnd?: PrecisionRecallF1;
  readonly endToEndByDocument?: PrecisionRecallF1;
}

interface Share {
  readonly right: number;
  readonly whole: number;
}

type Question = 'before' | 'after' | 'decided' | RecallAt;

const NO_MATCHES: MatchCounts = { right: 0, predicted: 0, gold: 0 };

const isFound = (at: number | null, first: number): boolean => at !== null && at < first;
const isRightDecision = ({ gold, decidedNil, rerankedAt }: MentionOutcome): boolean =>
  gold === 'nil' ? decidedNil : !decidedNil && rerankedAt === 0;

/** Adds up documents. It keeps a few numbers a document and two a mention, never texts or candidates. */
export class Tally {
  readonly #shares = new Map<Question, Share[]>();
  readonly #kinds = { linkable: 0, nil: 0, unknown: 0 };
  readonly #forecasts: Forecast[] = [];
  readonly #milliseconds = { detect: 0, encode: 0, retrieve: 0, rerank: 0, decide: 0 };
  readonly #detections: DetectionOutcome[] = [];
  #nil = NO_MATCHES;
  #documents = 0;
  #linkedMentions = 0;
  #pairs = 0;

  add(document: DocumentOutcome): void {
    this.#documents += 1;
    this.#linkedMentions += document.linkedMentions;
    this.#pairs += document.pairsScored;
    for (const step of STEPS) this.#milliseconds[step] += document.timings[step];
    if (document.detection !== null) this.#detections.push(document.detection);
    for (const { gold } of document.mentions) this.#kinds[gold] += 1;
    const known = document.mentions.filter(({ gold }) => gold !== 'unknown');
    this.#addKnown(known);
    this.#addLinkable(known.filter(({ gold }) => gold === 'linkable'));
  }

  #addKnown(mentions: readonly MentionOutcome[]): void {
    this.#addShare('decided', mentions, isRightDecision);
    for (const { confidence, rerankedAt } of mentions) {
      this.#forecasts.push({ confidence, right: rerankedAt === 0 });
    }
    this.#nil = addCounts(this.#nil, {
      right: mentions.filter(({ gold, decidedNil }) => gold === 'nil' && decidedNil).length,
      predicted: mentions.filter(({ decidedNil }) => decidedNil).length,
      gold: mentions.filter(({ gold }) => gold === 'nil').length,
    });
  }

  #addLinkable(mentions: readonly MentionOutcome[]): void {
    this.#addShare('before', mentions, ({ retrievedAt }) => isFound(retrievedAt, 1));
    this.#addShare('after', mentions, ({ rerankedAt }) => isFound(rerankedAt, 1));
    for (const k of RECALL_AT) {
      this.#addShare(`${k}`, mentions, ({ retrievedAt }) => isFound(retrievedAt, k));
    }
  }

  #addShare(
    question: Question,
    mentions: readonly MentionOutcome[],
    isRight: (mention: MentionOutcome) => boolean,
  ): void {
    const share = { right: mentions.filter(isRight).length, whole: mentions.length };
    const shares = this.#shares.get(question) ?? [];
    if (share.whole > 0) shares.push(share);
    this.#shares.set(question, shares);
  }

  figures(): Figures {
    const { linkable, nil, unknown } = this.#kinds;
    return {
      documents: this.#documents,
      mentions: linkable + nil + unknown,
      linkable,
      nilGold: nil,
      unknownGold: unknown,
      recall: this.#recall((question) => this.#micro(question)),
      recallByDocument: this.#recall((question) => this.#macro(question)),
      accuracy: this.#micro('after'),
      accuracyByDocument: this.#macro('after'),
      accuracyBeforeRerank: this.#micro('before'),
      accuracyBeforeRerankByDocument: this.#macro('before'),
      accuracyWithNil: this.#micro('decided'),
      accuracyWithNilByDocument: this.#macro('decided'),
      nil: nil === 0 ? null : { ...this.#nil, ...precisionRecallF1(this.#nil) },
      pairsPerMention: ratio(this.#pairs, this.#linkedMentions),
      millisecondsPerMention: this.#millisecondsPerMention(),
      calibration: calibration(this.#forecasts),
      ...this.#detectionFigures(),
    };
  }

  #recall(figure: (question: RecallAt) => Ratio): RecallFigures {
    return { 1: figure('1'), 10: figure('10'), 64: figure('64'), 100: figure('100') };
  }

  #micro(question: Question): Ratio {
    const shares = this.#shares.get(question) ?? [];
    const sum = (part: keyof Share): number => shares.reduce((all, each) => all + each[part], 0);
    return ratio(sum('right'), sum('whole'));
  }

  #macro(question: Question): Ratio {
    return byDocument(this.#shares.get(question) ?? []);
  }

  #millisecondsPerMention(): Figures['millisecondsPerMention'] {
    const perMention = (step: keyof StepTimings): Ratio =>
      ratio(this.#milliseconds[step], this.#linkedMentions);
    return {
      detect: perMention('detect'),
      encode: perMention('encode'),
      retrieve: perMention('retrieve'),
      rerank: perMention('rerank'),
      decide: perMention('decide'),
    };
  }

  #detectionFigures(): Partial<Figures> {
    if (this.#detections.length === 0) return {};
    const offered = this.#sum('offered');
    return {
      detection: {
        ...precisionRecallF1(this.#sum('spans')),
        offeredRecall: ratio(offered.right, offered.gold),
      },
      detectionByDocument: this.#meanFigures('spans'),
      endToEnd: precisionRecallF1(this.#sum('links')),
      endToEndByDocument: this.#meanFigures('links'),
    };
  }

  #sum(part: keyof DetectionOutcome): MatchCounts {
    return this.#detections.map((each) => each[part]).reduce(addCounts, NO_MATCHES);
  }

  #meanFigures(part: keyof DetectionOutcome): PrecisionRecallF1 {
    return macroFigures(this.#detections.map((each) => each[part]));
  }
}
