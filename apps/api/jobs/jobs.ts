import type { BeforeApplicationShutdown } from '@nestjs/common';
import { BatchFeed, canWait } from '../../../libs/batches/feed.js';
import { jobAnswer } from '../../../libs/batches/job-answer.js';
import { receiveBatch, type BatchLimits } from '../../../libs/batches/receive-batch.js';
import { annotateOptions, type AnnotateOptions } from '../../../libs/contract/annotate.js';
import type { JobRequest, JobResponse } from '../../../libs/contract/batches.js';
import type { JsonLine } from '../../../libs/jobs/json-lines.js';
import { jobNotFound, type BatchStore } from '../../../libs/kb/batch-store.js';
import { documentsOf } from '../../../libs/linking/documents.js';
import type { OpenKbs } from '../../../libs/linking/open-kbs.js';
import type { WorkQueue } from '../../../libs/queue/work-queue.js';
import type { Caller } from '../http/exchange.js';
import { BusyError } from '../http/work-line.js';

export interface JobLimits extends BatchLimits {
  /** Jobs that have not ended. */
  readonly maxLive: number;
}

export interface NewJob {
  readonly kb: string | undefined;
  readonly options: AnnotateOptions;
  readonly asker: Asker;
  readonly idempotencyKey: string | undefined;
  readonly lines: AsyncIterable<Iterable<JsonLine>>;
}

/** Who asks: a key sees the jobs that it made, an admin's all. */
export type Asker = Caller | null;

export interface JobsOptions {
  readonly store: BatchStore;
  readonly queue: WorkQueue;
  readonly kbs: OpenKbs;
  readonly limits: JobLimits;
}

/** Batch annotation: jobs in, results out; the work is done by who takes the pages from the queue. */
export class Jobs implements BeforeApplicationShutdown {
  readonly store: BatchStore;
  private readonly kbs: OpenKbs;
  private readonly limits: JobLimits;
  private readonly feed: BatchFeed;
  private readonly ending = new AbortController();

  constructor({ store, queue, kbs, limits }: JobsOptions) {
    this.store = store;
    this.kbs = kbs;
    this.limits = limits;
    this.feed = new BatchFeed(store, queue);
  }

  /** Aborted when the server ends: what follows a job must not keep it. */
  get ended(): AbortSignal {
    return this.ending.signal;
  }

  beforeApplicationShutdown(): void {
    this.ending.abort();
  }

  async create({ kb, options, asker, idempotencyKey, lines }: NewJob): Promise<JobResponse> {
    await this.assertRoom();
    const { name } = (await this.kbs.get(kb)).kb;
    const owner = asker?.key?.id ?? null;
    const request = { kb: name, options, owner, idempotencyKey, lines };
    const { intake } = this.store;
    const { id } = await receiveBatch(request, { intake, limits: this.limits });
    await this.begin(id);
    return this.get(id, asker);
  }

  /** @throws ReferentError `job-not-found`, also where it is another key's. */
  async get(id: string, asker: Asker): Promise<JobResponse> {
    const batch = await this.store.get(id);
    if (asker?.role === 'admin' || batch.owner === (asker?.key?.id ?? '')) return jobAnswer(batch);
    throw jobNotFound(id);
  }

  async list(limit: number): Promise<readonly JobResponse[]> {
    return (await this.store.list({ limit })).map(jobAnswer);
  }

  async cancel(id: string, asker: Asker): Promise<void> {
    await this.get(id, asker);
    await this.store.end(id, 'cancelled');
  }

  /** It is stored, so that it is begun in any case; now, where the queue can take it. */
  private async begin(id: string): Promise<void> {
    try {
      await this.feed.feed(id);
    } catch (error) {
      if (!canWait(error)) throw error;
    }
  }

  private async assertRoom(): Promise<void> {
    const { maxLive } = this.limits;
    const live = await this.store.list({ limit: maxLive, live: true });
    if (live.length < maxLive) return;
    throw new BusyError(
      `${live.length} jobs have not ended and no more may wait: try again later, cancel one, or raise REFERENT_MAX_JOBS.`,
      60,
    );
  }
}

/** A JSON body as lines; all of it is refused where one document is wrong. */
export function linesOfRequest({
  documents,
  options,
}: JobRequest): Pick<NewJob, 'options' | 'lines'> {
  const parsed = options ?? annotateOptions.parse({});
  documentsOf({ documents }, parsed.offsetUnit);
  const lines = documents.map((value, at): JsonLine => ({ line: at + 1, size: 0, value }));
  return { options: parsed, lines: once(lines) };
}

async function* once<T>(value: T): AsyncGenerator<T> {
  await Promise.resolve();
  yield value;
}
