import { randomUUID } from 'node:crypto';
import type { JobsOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { ReferentError } from '../contract/errors.js';
import {
  QUEUE_NAMES,
  type JobPayload,
  type JobResult,
  type Lane,
  type QueueName,
} from '../contract/jobs.js';
import { BullChannel } from './bull-channel.js';
import { wantedKey, type Envelope } from './envelope.js';
import { payloadOf, resultOf } from './handling.js';
import type { QueueLog } from './queue-log.js';
import { queueUnavailable, RedisLink } from './redis-link.js';
import { retriesOf } from './retries.js';
import { after, deadlineExceeded, waitFor } from './wait-for.js';
import { WorkQueue, type AddOptions, type QueueCounts, type RunOptions } from './work-queue.js';

export interface BullQueueOptions {
  readonly redisUrl: string;
  /** Of all keys in Redis: who has the same shares the queues. */
  readonly prefix: string;
  /** Jobs of a queue that may wait; the next is refused as `busy`. */
  readonly maxWaiting: number;
  readonly log: QueueLog;
}

/** Redis is given so long to take a job; then it counts as gone. */
const UNREACHABLE_MS = 800;
/** Connections are given so long to close. */
const CLOSE_MS = 1_000;
/** Largest payload; a document with 10,000 doubtful mentions has less. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

/** BullMQ takes jobs without a priority first. */
const PRIORITY: Readonly<Record<Lane, number>> = { interactive: 0, batch: 1 };

/**
 * A result is looked for when its event was missed, so it stays a while; texts of users should not stay long.
 * BullMQ removes the old when another job ends.
 */
const KEPT = {
  done: { age: 60, count: 500 },
  failed: { age: 24 * 60 * 60, count: 500 },
} as const;

/** Jobs over BullMQ; `BullWorkers` of any process takes them. */
export class BullQueue extends WorkQueue {
  private readonly link: RedisLink;
  private readonly redis: Redis;
  private readonly channels: ReadonlyMap<QueueName, BullChannel>;

  constructor(private readonly options: BullQueueOptions) {
    super();
    const { redisUrl, log, prefix, maxWaiting } = options;
    const link = new RedisLink(redisUrl, log);
    const redis = link.forCallers();
    const channel = { link, redis, prefix, maxWaiting };
    this.channels = new Map(QUEUE_NAMES.map((name) => [name, new BullChannel(name, channel)]));
    this.link = link;
    this.redis = redis;
  }

  override async run<N extends QueueName>(
    queue: N,
    payload: JobPayload<N>,
    { lane, deadlineMs, signal }: RunOptions,
  ): Promise<JobResult<N>> {
    signal?.throwIfAborted();
    const data = { lane, isWatched: deadlineMs !== undefined, payload: payloadOf(queue, payload) };
    const id = randomUUID();
    const channel = this.channel(queue);
    const result = channel.jobs.resultOf(id);
    result.catch(() => undefined); // it may fail before anybody is there to hear
    // Handing over counts: where it takes too long, the caller waits no longer than it said.
    const handedOver = this.handOver(channel, data, { id, deadlineMs });
    const both = handedOver.then(() => result);
    try {
      const done = await waitFor(both, { queue, deadlineMs, signal });
      if (done === null) throw deadlineExceeded(queue, deadlineMs ?? 0);
      return resultOf(queue, done);
    } finally {
      const hasLeft = channel.jobs.forget(id);
      if (hasLeft) this.leave(channel, id);
    }
  }

  /** Redis knows a job by such an id as long as it waits or runs, and no longer. */
  override async add<N extends QueueName>(
    queue: N,
    payload: JobPayload<N>,
    { lane, id }: AddOptions,
  ): Promise<void> {
    const data = { lane, isWatched: false, payload: payloadOf(queue, payload) };
    const options = { ...jobOptions('add', lane), deduplication: { id } };
    await this.reaching(() => this.channel(queue).add(data, options));
  }

  override async counts(): Promise<readonly QueueCounts[]> {
    const channels = [...this.channels.values()];
    return this.reaching(() => Promise.all(channels.map((channel) => channel.counts())));
  }

  override async close(): Promise<void> {
    const reason = new ReferentError('not-ready', 'The process is ending.');
    this.link.close();
    const closed = [...this.channels.values()].map((channel) => channel.close(reason));
    // BullMQ may wait for a Redis that is gone.
    await Promise.race([Promise.all(closed), after(CLOSE_MS)]);
  }

  private async handOver(
    channel: BullChannel,
    data: Envelope,
    { id, deadlineMs }: { readonly id: string; readonly deadlineMs: number | undefined },
  ): Promise<void> {
    await this.reaching(async () => {
      await channel.listen();
      const key = wantedKey(this.options.prefix, id);
      // Sent together, in this order.
      await Promise.all([
        deadlineMs !== undefined &&
          this.redis.set(key, '1', 'PX', Math.max(1, Math.ceil(deadlineMs))),
        channel.add(data, { ...jobOptions('run', data.lane), jobId: id }),
      ]);
    });
  }

  /** So that no worker computes what nobody waits for. Without Redis the deadline does the same. */
  private leave(channel: BullChannel, id: string): void {
    const key = wantedKey(this.options.prefix, id);
    void Promise.allSettled([this.redis.del(key), channel.remove(id)]);
  }

  /** @throws ReferentError `queue-unavailable` where Redis cannot, or not soon. */
  private async reaching<T>(work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`it did not answer within ${UNREACHABLE_MS} ms`));
      }, UNREACHABLE_MS);
    });
    try {
      return await Promise.race([this.link.whenUsable(this.redis).then(work), patience]);
    } catch (error) {
      throw queueUnavailable(error);
    } finally {
      clearTimeout(timer);
    }
  }

  private channel(name: QueueName): BullChannel {
    const channel = this.channels.get(name);
    if (channel === undefined) throw new Error(`There is no queue '${name}'.`);
    return channel;
  }
}

function jobOptions(kind: 'run' | 'add', lane: Lane): JobsOptions {
  const { attempts, firstWaitMs } = retriesOf(kind, lane);
  return {
    attempts,
    backoff: { type: 'exponential', delay: firstWaitMs },
    priority: PRIORITY[lane],
    removeOnComplete: KEPT.done,
    removeOnFail: KEPT.failed,
    sizeLimit: MAX_PAYLOAD_BYTES,
    stackTraceLimit: 1,
  };
}
