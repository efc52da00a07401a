import { once } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import { ReferentError } from '../contract/errors.js';
import type { QueueLog } from './queue-log.js';

/** Between two tries to connect: 0.1 s at first, 1 s at most, as long as the outage lasts. */
const RECONNECT_MS = { first: 100, most: 1_000 } as const;
const CONNECT_TIMEOUT_MS = 5_000;

/** Fails at once while Redis is gone: somebody waits for the answer. */
const FOR_CALLERS: RedisOptions = { enableOfflineQueue: false, maxRetriesPerRequest: 0 };
/** Waits out an outage, however long; what BullMQ wants of connections that listen. */
const FOR_LISTENERS: RedisOptions = { maxRetriesPerRequest: null };

/** The connections of one process to its Redis; an outage is told of once, and its end. */
export class RedisLink {
  private readonly open: Redis[] = [];
  private outage = false;
  private usable: Promise<void> | undefined;
  private closing = false;

  constructor(
    private readonly url: string,
    private readonly log: QueueLog,
  ) {}

  forCallers(): Redis {
    return this.connect(FOR_CALLERS);
  }

  forListeners(): Redis {
    return this.connect(FOR_LISTENERS);
  }

  /** Resolves when commands can be sent. Rejects at once in an outage: it has been told of, and may last. */
  whenUsable(redis: Redis): Promise<void> {
    if (redis.status === 'ready') return Promise.resolve();
    if (this.outage) return Promise.reject(new Error('it is not there, and is being looked for'));
    this.usable ??= once(redis, 'ready')
      .then(() => undefined)
      .finally(() => {
        this.usable = undefined;
      });
    return this.usable;
  }

  /** For the errors of what uses the connections: those of an outage are one. */
  hears(error: unknown): void {
    if (this.closing) return;
    if (!isOfOutage(error)) {
      this.log.error(error, { component: 'redis' });
      return;
    }
    if (this.outage) return;
    this.outage = true;
    this.log.warn(`Redis cannot be used: ${textOf(error)}. It is tried again until it can.`);
  }

  /** Drops the connections; what is under way on them fails. */
  close(): void {
    this.closing = true;
    for (const redis of this.open) redis.disconnect();
  }

  private connect(options: RedisOptions): Redis {
    const redis = new Redis(this.url, {
      ...options,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: (times) => Math.min(times * RECONNECT_MS.first, RECONNECT_MS.most),
    });
    redis.on('error', (error) => {
      this.hears(error);
    });
    redis.on('ready', () => {
      if (this.outage) this.log.warn('Redis can be used again.');
      this.outage = false;
    });
    this.open.push(redis);
    return redis;
  }
}

const OUTAGE =
  /ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|Connection is closed|isn't writeable|max retries per request|LOADING|OOM command|MISCONF|READONLY|UNBLOCKED/u;

function isOfOutage(error: unknown): boolean {
  return OUTAGE.test(textOf(error));
}

/** ioredis gives several addresses' errors as one without a text of its own. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return [code, error.message].filter((part) => part !== undefined && part !== '').join(' ');
}

/** What a caller is told where Redis did not do what was asked. */
export function queueUnavailable(cause: unknown): ReferentError {
  if (cause instanceof ReferentError) return cause;
  const full = /OOM command/u.test(textOf(cause));
  const why = full ? 'its memory is full (maxmemory)' : textOf(cause);
  return new ReferentError('queue-unavailable', `The job queue's Redis cannot be used: ${why}.`, {
    cause,
  });
}
