import { ReferentError } from '../contract/errors.js';
import type { NameSet } from '../index/name-set.js';
import type { KbStore, LearnedTotals } from '../kb/kb-store.js';
import { allNamesOf } from '../linking/kb-view.js';
import { lessonName } from '../linking/lessons.js';
import { dropIndexesAhead } from './dead-index.js';
import { ProgressMeter, type OnImportProgress } from './import-progress.js';
import { totalBytes, type ImportSource } from './import-source.js';
import { learnPage, type LessonOutcome } from './learn-page.js';
import { readLessons, type LessonPage, type ReadLesson } from './learn-reader.js';

export interface LearnOptions {
  readonly store: KbStore;
  /** Where the KB's index snapshots are (`KbCatalog.derivedFolder`). */
  readonly derivedFolder: string;
  readonly sources: readonly ImportSource[];
  /** Not every mention of the texts is marked: what is unmarked is not counted as seen. */
  readonly partial: boolean;
  /** Stop at the first bad line. */
  readonly strict?: boolean;
  /** Stops between two pages. */
  readonly signal?: AbortSignal;
  readonly onProgress?: OnImportProgress;
}

/** A bad line, or a mention that was left out of a good one. */
export interface LearnProblem {
  readonly kind: 'bad-line' | 'left-out';
  readonly source: string;
  readonly line: number;
  readonly reason: string;
}

export interface LearningReport {
  readonly learned: number;
  /** Documents that had been learned before. */
  readonly known: number;
  /** Mentions counted. */
  readonly mentions: number;
  /** Mentions left out, of entities that the KB does not have or by what is no name. */
  readonly leftOut: number;
  readonly badLines: number;
  /** The first of both kinds. */
  readonly problems: readonly LearnProblem[];
  /** What the KB has learned in all. */
  readonly totals: LearnedTotals;
  readonly seconds: number;
}

const PROBLEMS_KEPT = 100;

/**
 * Learns files of labelled texts, page by page. A run that was killed or stopped is simply run again: what is learned
 * stays and is not counted twice. `busy` while an import runs.
 */
export async function learnDocuments(options: LearnOptions): Promise<LearningReport> {
  const { store, partial } = options;
  await dropIndexesAhead(options);
  const names = partial ? null : await allNamesOf(store);
  return new LearnRun(options, names).run();
}

class LearnRun {
  private learned = 0;
  private known = 0;
  private mentions = 0;
  private leftOut = 0;
  private badLines = 0;
  private readonly problems: LearnProblem[] = [];
  private readonly meter: ProgressMeter;

  constructor(
    private readonly options: LearnOptions,
    private readonly names: NameSet | null,
  ) {
    const { sources, onProgress = () => undefined } = options;
    this.meter = new ProgressMeter(totalBytes(sources), onProgress);
  }

  async run(): Promise<LearningReport> {
    const started = performance.now();
    let bytesBefore = 0;
    for (const source of this.options.sources) {
      let bytes = 0;
      for await (const page of readLessons(source)) {
        this.assertGoingOn();
        await this.take(page, source);
        ({ bytes } = page);
        const documents = this.learned + this.known;
        this.meter.reading('read', documents, { records: documents, bytes: bytesBefore + bytes });
      }
      bytesBefore += bytes;
    }
    const { learned, known, mentions, leftOut, badLines, problems } = this;
    const totals = await this.options.store.learned.totals();
    const seconds = (performance.now() - started) / 1000;
    return { learned, known, mentions, leftOut, badLines, problems, totals, seconds };
  }

  private async take({ lessons, problems }: LessonPage, { name }: ImportSource): Promise<void> {
    for (const { line, reason } of problems) this.reportBadLine(name, line, reason);
    if (lessons.length === 0) return;
    const { store, derivedFolder } = this.options;
    const page = lessons.map(({ lesson }) => lesson);
    const { outcomes } = await learnPage(page, { store, derivedFolder, names: this.names });
    // For the texts that follow; the store has them.
    this.names?.add(page.flatMap(namesIn));
    lessons.forEach((read, at) => {
      this.count(read, outcomes[at], name);
    });
  }

  private count({ line }: ReadLesson, outcome: LessonOutcome | undefined, source: string): void {
    if (outcome?.isLearned !== true) {
      this.known++;
      return;
    }
    this.learned++;
    this.mentions += outcome.mentions;
    this.leftOut += outcome.leftOut.length;
    for (const { mention, reason } of outcome.leftOut) {
      const place = `mention ${mention.start}-${mention.end}`;
      this.keep({ kind: 'left-out', source, line, reason: `${place} ${reason}` });
    }
  }

  private reportBadLine(source: string, line: number, reason: string): void {
    if (this.options.strict === true) {
      throw new ReferentError(
        'invalid-input',
        `${source}, line ${line}: ${reason}. Learning was strict and stopped; what came before stays learned and is not counted twice.`,
      );
    }
    this.badLines++;
    this.keep({ kind: 'bad-line', source, line, reason });
  }

  private keep(problem: LearnProblem): void {
    if (this.problems.length < PROBLEMS_KEPT) this.problems.push(problem);
  }

  private assertGoingOn(): void {
    const { signal } = this.options;
    if (signal?.aborted !== true) return;
    throw new ReferentError(
      'import-failed',
      'Learning was stopped. What is learned stays; run it again to go on, nothing is counted twice.',
      { cause: signal.reason },
    );
  }
}

function namesIn({ text, mentions }: ReadLesson['lesson']): string[] {
  return mentions.flatMap((mention) => lessonName(text, mention) ?? []);
}
