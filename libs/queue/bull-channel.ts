import { Queue, QueueEvents, type JobsOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { ReferentError } from '../contract/errors.js';
import type { QueueName } from '../contract/jobs.js';
import { AwaitedJobs, type Outcome } from './awaited-jobs.js';
import type { Envelope } from './envelope.js';
import type { RedisLink } from './redis-link.js';
import type { QueueCounts } from './work-queue.js';

export interface ChannelOptions {
  readonly link: RedisLink;
  /** For commands; shared by all channels. */
  readonly redis: Redis;
  readonly prefix: string;
  readonly maxWaiting: number;
}

/** So long a count of what waits is believed, before the next is asked for. */
const COUNT_AGE_MS = 250;

/** One queue of BullMQ as those see it who add jobs and wait for results. */
export class BullChannel {
  readonly jobs: AwaitedJobs;
  private readonly queue: Queue;
  private listening: Promise<void> | undefined;
  private events: QueueEvents | undefined;
  private waiting = 0;
  private countedAtMs = -Infinity;

  constructor(
    private readonly name: QueueName,
    private readonly options: ChannelOptions,
  ) {
    const { redis, prefix, link } = options;
    // Asking for the version could fail, and what BullMQ fails to learn at first it never asks for again.
    this.queue = new Queue(name, { connection: redis, prefix, skipVersionCheck: true });
    this.queue.on('error', (error) => {
      link.hears(error);
    });
    this.jobs = new AwaitedJobs((jobId) => this.outcomeOf(jobId));
  }

  /** Resolves when the results of jobs that are added from now on will be heard of. */
  listen(): Promise<void> {
    this.listening ??= this.startListening().catch((error: unknown) => {
      this.listening = undefined;
      throw error;
    });
    return this.listening;
  }

  /** @throws ReferentError `busy` where too many wait. */
  async add(data: Envelope, options: JobsOptions): Promise<void> {
    await this.assertRoom();
    await this.queue.add(this.name, data, options);
    this.waiting += 1;
  }

  /** Takes away a job that waits; one that runs is left. */
  async remove(jobId: string): Promise<void> {
    await this.queue.remove(jobId);
  }

  async counts(): Promise<QueueCounts> {
    const types = ['wait', 'prioritized', 'delayed', 'active', 'failed'] as const;
    const [counts, workers] = await Promise.all([
      this.queue.getJobCounts(...types),
      this.queue.getWorkersCount(),
    ]);
    const of = (type: (typeof types)[number]) => counts[type] ?? 0;
    return {
      queue: this.name,
      waiting: of('wait') + of('prioritized') + of('delayed'),
      active: of('active'),
      failed: of('failed'),
      workers,
    };
  }

  async close(reason: Error): Promise<void> {
    this.jobs.close(reason);
    await Promise.allSettled([this.events?.close(), this.queue.close()]);
  }

  /**
   * From the last event there is, not from "now", as BullMQ would: what happens before the first read, or while the
   * connection is away, is then read later.
   */
  private async startListening(): Promise<void> {
    const { link, redis, prefix } = this.options;
    const [last] = await redis.xrevrange(this.queue.toKey('events'), '+', '-', 'COUNT', 1);
    const connection = link.forListeners();
    const lastEventId = last?.[0] ?? '0-0';
    this.events = new QueueEvents(this.name, { connection, prefix, lastEventId });
    this.events.on('error', (error) => {
      link.hears(error);
    });
    this.jobs.hear(this.events);
  }

  /** By an old count and what was added since, as long as that is far from the limit; else by a new one. */
  private async assertRoom(): Promise<void> {
    const { maxWaiting } = this.options;
    const isOld = performance.now() - this.countedAtMs > COUNT_AGE_MS;
    const isNear = this.waiting > maxWaiting / 2;
    if (this.waiting >= maxWaiting || (isOld && isNear)) await this.count();
    else if (isOld) this.count().catch(() => undefined); // adding will say what is wrong
    if (this.waiting < maxWaiting) return;
    throw new ReferentError(
      'busy',
      `${this.waiting} jobs wait in the queue ${this.name}, and no more may: try again in a moment, or start more workers.`,
    );
  }

  private async count(): Promise<void> {
    this.countedAtMs = performance.now();
    this.waiting = await this.queue.getJobCountByTypes('wait', 'prioritized', 'delayed');
  }

  private async outcomeOf(jobId: string): Promise<Outcome> {
    const job = await this.queue.getJob(jobId);
    if (job === undefined) return { state: 'unknown' };
    if (job.finishedOn === undefined) return { state: 'open' };
    const result = job.returnvalue as unknown;
    // A job that went well at its second attempt has the first one's reason, too.
    if (result !== null || !job.failedReason) return { state: 'done', result };
    return { state: 'failed', reason: job.failedReason };
  }
}
