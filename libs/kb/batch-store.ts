import type { AnnotateDocument, AnnotateOptions, Versions } from '../contract/annotate.js';
import { ReferentError } from '../contract/errors.js';
import type { JobState, LineError } from '../contract/batches.js';

/** A document of a batch, or a line that is none and already has its error. `line` counts from 1. */
export type BatchEntry =
  | { readonly line: number; readonly document: AnnotateDocument }
  | { readonly line: number; readonly id: string | null; readonly error: LineError };

/** Lines [from, to) of a batch: what is annotated, and stored, at a time. */
export interface PageRef {
  readonly batch: string;
  readonly from: number;
  readonly to: number;
}

export interface NewBatch {
  readonly id: string;
  readonly kb: string;
  readonly options: AnnotateOptions;
  /** The id of the API key that made it; null where there were no keys. */
  readonly owner: string | null;
}

export interface Batch extends NewBatch {
  readonly state: JobState;
  readonly problem: LineError | null;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** Of the newest results. */
  readonly versions: Versions | null;
  /** ISO 8601, UTC, all of them. */
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly expiresAt: string | null;
  /** The newest result's. */
  readonly updatedAt: string | null;
  /** From when, and from how many results on, the work went on without a pause: for the rate. */
  readonly rateSince: string | null;
  readonly rateFrom: number;
}

/** What an idempotency key stands for. */
export interface BatchKey {
  readonly key: string;
  /** Of all that makes the request: its KB, options and documents. */
  readonly contentHash: string;
}

/** `same`: there is a batch of this key and content already; `other`: of this key, with another content. */
export interface Acceptance {
  readonly status: 'accepted' | 'same' | 'other';
  /** Of the batch that the key stands for now. */
  readonly id: string;
}

/** A batch comes into being: unseen until it is accepted, and gone without a trace if it never is. */
export abstract class BatchIntake {
  abstract begin(batch: NewBatch): Promise<void>;
  /** Adds pages in the order of their lines. */
  abstract add(batch: string, pages: readonly (readonly BatchEntry[])[]): Promise<void>;
  /** Makes it visible, durably; discards it where its key is taken. */
  abstract accept(batch: string, key: BatchKey | null): Promise<Acceptance>;
  abstract discard(batch: string): Promise<void>;
}

/** A page that is to be annotated. */
export interface TakenPage extends PageRef {
  readonly kb: string;
  readonly options: AnnotateOptions;
  readonly entries: readonly BatchEntry[];
  /** How often it was begun and neither finished nor given back, this time included. */
  readonly attempt: number;
}

export interface PageResults {
  /** A JSON object a line, each with its newline, one an entry. */
  readonly lines: string;
  readonly done: number;
  readonly failed: number;
  readonly versions: Versions | null;
}

/** The pages of batches that are neither done nor cancelled. */
export abstract class BatchWork {
  /** Hands out the next pages, until so many are handed out that have no results. */
  abstract hand(batch: string, window: number): Promise<readonly PageRef[]>;
  /** Pages that were handed out and have no results. */
  abstract outstanding(batch: string): Promise<readonly PageRef[]>;
  /** The page, held for this process for a while; null where it has results, its batch has ended, or another holds it. */
  abstract take(page: PageRef): Promise<TakenPage | null>;
  /** Holds it a while longer; false where the batch has ended: stop. */
  abstract hold(page: PageRef): Promise<boolean>;
  /** Stores the results, once: false where there were some already or the batch has ended. */
  abstract finish(page: PageRef, results: PageResults): Promise<boolean>;
  /** Lets go of a page that is not finished for reasons that pass: the attempt does not count. */
  abstract release(page: PageRef): Promise<void>;
}

export interface ResultPage {
  readonly from: number;
  readonly to: number;
  readonly lines: string;
}

/** One that never was, has expired, or is not to be seen by who asks: these look the same. */
export function jobNotFound(id: string): ReferentError {
  return new ReferentError(
    'job-not-found',
    `There is no job ${JSON.stringify(id.slice(0, 100))}: it never was, its results have expired ` +
      '(REFERENT_RESULTS_HOURS), or it is that of another API key.',
  );
}

/** All batches of one installation. What has expired is not there. */
export abstract class BatchStore {
  abstract readonly intake: BatchIntake;
  abstract readonly work: BatchWork;
  /** @throws ReferentError `job-not-found` */
  abstract get(id: string): Promise<Batch>;
  /** Newest first; `live`: only those that have not ended, oldest first. */
  abstract list(options: { readonly limit: number; readonly live?: boolean }): Promise<readonly Batch[]>;
  /**
   * The next pages that reach beyond the line, in order, some at a time: up to the first without results while the batch
   * runs, all that have results once it has ended.
   */
  abstract results(id: string, afterLine: number): Promise<readonly ResultPage[]>;
  /** Ends a batch before its time; nothing where it has ended. */
  abstract end(id: string, how: 'cancelled' | LineError): Promise<void>;
  /** Removes what has expired and what requests that died left behind. */
  abstract sweep(): Promise<void>;
  abstract close(): Promise<void>;
}
