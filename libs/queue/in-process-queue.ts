import { ReferentError } from '../contract/errors.js';
import {
  QUEUE_NAMES,
  type JobPayload,
  type JobResult,
  type Lane,
  type QueueName,
} from '../contract/jobs.js';
import { canPass, failureText } from './failure.js';
import { handled, payloadOf } from './handling.js';
import type { QueueLog } from './queue-log.js';
import type { SomeHandlers } from './registration.js';
import { retriesOf, waitMsAfter, type Retries } from './retries.js';
import { waitFor } from './wait-for.js';
import { WorkQueue, type AddOptions, type QueueCounts, type RunOptions } from './work-queue.js';

export interface InProcessQueueOptions {
  /** A function where handlers hand out work themselves. */
  readonly handlers: SomeHandlers | ((queue: WorkQueue) => SomeHandlers);
  /** Jobs of a queue that run at the same time. */
  readonly concurrency: Readonly<Record<QueueName, number>>;
  /** Jobs of a queue that may wait; the next is refused as `busy`. */
  readonly maxWaiting: number;
  readonly log: QueueLog;
}

/** The handlers run in this process, with the limits and retries that they have over Redis. What waits dies with it. */
export class InProcessQueue extends WorkQueue {
  private readonly lines: ReadonlyMap<QueueName, JobLine>;

  constructor(options: InProcessQueueOptions) {
    super();
    const { handlers: given } = options;
    const handlers = typeof given === 'function' ? given(this) : given;
    this.lines = new Map(
      QUEUE_NAMES.map((name) => [name, new JobLine(name, { ...options, handlers })]),
    );
  }

  override async run<N extends QueueName>(
    queue: N,
    payload: JobPayload<N>,
    { lane, deadlineMs, signal }: RunOptions,
  ): Promise<JobResult<N>> {
    signal?.throwIfAborted();
    const parsed = payloadOf(queue, payload);
    const job = new Job(parsed, lane, retriesOf('run', lane));
    const result = this.line(queue).take(job);
    const waited = waitFor(result, { queue, deadlineMs, signal });
    // Whoever left needs no result: what waits is left out, what runs is told to stop.
    waited.catch((error: unknown) => {
      job.controller.abort(error);
    });
    return (await waited) as JobResult<N>;
  }

  override add<N extends QueueName>(
    queue: N,
    payload: JobPayload<N>,
    { lane, id }: AddOptions,
  ): Promise<void> {
    return new Promise((resolve) => {
      const line = this.line(queue);
      if (!line.has(id)) {
        const job = new Job(payloadOf(queue, payload), lane, retriesOf('add', lane), id);
        line.take(job).catch((error: unknown) => {
          line.report(error);
        });
      }
      resolve();
    });
  }

  override counts(): Promise<readonly QueueCounts[]> {
    return Promise.resolve([...this.lines.values()].map((line) => line.counts()));
  }

  /** Stops what runs and waits for it; what waits is gone. */
  override async close(): Promise<void> {
    await Promise.all([...this.lines.values()].map((line) => line.close()));
  }

  private line(queue: QueueName): JobLine {
    const line = this.lines.get(queue);
    if (line === undefined) throw new Error(`There is no queue '${queue}'.`);
    return line;
  }
}

class Job {
  readonly controller = new AbortController();
  attempts = 0;
  settle: { resolve: (result: unknown) => void; reject: (reason: unknown) => void } | undefined;

  constructor(
    readonly payload: unknown,
    readonly lane: Lane,
    readonly retries: Retries,
    readonly id?: string,
  ) {}
}

/** The jobs of one queue. */
class JobLine {
  private readonly lanes: Readonly<Record<Lane, Job[]>> = { interactive: [], batch: [] };
  /** Everything that waits, runs, or waits to be tried again. */
  private readonly open = new Set<Job>();
  private readonly running = new Set<Promise<void>>();
  private failed = 0;
  private closing = false;

  constructor(
    private readonly queue: QueueName,
    private readonly options: InProcessQueueOptions & { readonly handlers: SomeHandlers },
  ) {}

  take(job: Job): Promise<unknown> {
    if (this.closing) throw ending(this.queue);
    const waiting = this.open.size - this.running.size;
    if (waiting >= this.options.maxWaiting) throw full(this.queue, waiting);
    this.open.add(job);
    return new Promise((resolve, reject) => {
      job.settle = { resolve, reject };
      job.controller.signal.addEventListener('abort', () => {
        this.leave(job);
      });
      this.lanes[job.lane].push(job);
      this.pump();
    });
  }

  has(id: string): boolean {
    return [...this.open].some((job) => job.id === id);
  }

  counts(): QueueCounts {
    const { queue, failed } = this;
    const active = this.running.size;
    return { queue, waiting: this.open.size - active, active, failed, workers: 1 };
  }

  report(error: unknown): void {
    if (this.closing) return;
    this.options.log.error(error, { queue: this.queue });
  }

  async close(): Promise<void> {
    this.closing = true;
    const reason = ending(this.queue);
    for (const job of [...this.open]) job.controller.abort(reason);
    await Promise.all(this.running);
  }

  /** An aborted job that runs is let end: its handler hears of it. */
  private leave(job: Job): void {
    const lane = this.lanes[job.lane];
    const at = lane.indexOf(job);
    if (at >= 0) lane.splice(at, 1);
    job.settle?.reject(job.controller.signal.reason);
    if (at >= 0) this.open.delete(job);
  }

  private pump(): void {
    while (this.running.size < this.options.concurrency[this.queue]) {
      const job = this.lanes.interactive.shift() ?? this.lanes.batch.shift();
      if (job === undefined) return;
      const run = this.attempt(job).finally(() => {
        this.running.delete(run);
        this.pump();
      });
      this.running.add(run);
    }
  }

  private async attempt(job: Job): Promise<void> {
    job.attempts += 1;
    const { lane, payload, controller } = job;
    const context = { lane, signal: controller.signal };
    const { handlers } = this.options;
    try {
      job.settle?.resolve(await handled(this.queue, payload, { handlers, context }));
      this.open.delete(job);
    } catch (error) {
      this.tryAgainOrFail(job, error);
    }
  }

  private tryAgainOrFail(job: Job, error: unknown): void {
    const { signal } = job.controller;
    const again = canPass(error) && job.attempts < job.retries.attempts && !signal.aborted;
    if (!again) {
      this.open.delete(job);
      if (!signal.aborted) this.failed += 1;
      job.settle?.reject(error);
      return;
    }
    this.options.log.warn(`A job is tried again: ${failureText(error)}`, { queue: this.queue });
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', forget);
        this.lanes[job.lane].push(job);
        this.pump();
      },
      waitMsAfter(job.attempts, job.retries),
    );
    const forget = () => {
      clearTimeout(timer);
      this.open.delete(job);
    };
    signal.addEventListener('abort', forget, { once: true });
  }
}

function full(queue: QueueName, waiting: number): ReferentError {
  return new ReferentError(
    'busy',
    `${waiting} jobs wait in the queue ${queue}, and no more may: try again in a moment.`,
  );
}

function ending(queue: QueueName): ReferentError {
  return new ReferentError('not-ready', `The process is ending and takes no job of ${queue}.`);
}
