import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { sharedRedis, uniqueName } from '../../test/support/services.js';
import { BullQueue } from './bull-queue.js';
import { BullWorkers } from './bull-workers.js';
import { DONE, until, type Annotate } from './testing/gate.js';
import { workersWatch } from './watch-workers.js';

const CONCURRENCY = { rerank: 1, annotate: 1, embed: 1, publish: 1 };
const INTERACTIVE = { lane: 'interactive' } as const;
const job = { batch: 'b', from: 0, to: 1 };

let prefix: string;
let queue: BullQueue;
let raw: { readonly redis: Redis; readonly queue: Queue };
const closing: (() => Promise<void>)[] = [];

beforeEach(() => {
  prefix = uniqueName();
  queue = new BullQueue({ redisUrl: sharedRedis(), prefix, maxWaiting: 100, log: silent });
  const redis = new Redis(sharedRedis());
  raw = { redis, queue: new Queue('annotate', { connection: redis, prefix }) };
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await queue.close();
  await raw.queue.obliterate({ force: true });
  raw.redis.disconnect();
});

const silent = { warn: () => undefined, error: () => undefined };

function workers(annotate: Annotate): BullWorkers {
  const options = { redisUrl: sharedRedis(), prefix, log: silent, concurrency: CONCURRENCY };
  const made = new BullWorkers({ ...options, handlers: { annotate }, queues: ['annotate'] });
  closing.push(() => made.close(0));
  return made;
}

test('it is known, and told of once, that nobody takes a queue', async () => {
  const told: unknown[] = [];
  const note = (message: unknown) => told.push(message);
  const look = workersWatch(queue, { warn: note, error: note });
  const workersOf = async () =>
    (await queue.counts()).find((one) => one.queue === 'annotate')?.workers;
  await look();
  await look();
  expect(told).toEqual([
    expect.stringMatching(/^No worker takes the queues rerank, annotate, embed, publish: .*wait/),
  ]);
  const one = workers(() => Promise.resolve(DONE));
  await until(async () => (await workersOf()) === 1);
  await look();
  expect(told.slice(1)).toEqual([
    expect.stringMatching(/^No worker takes the queues rerank, embed/),
  ]);
  await one.close(0);
  await until(async () => (await workersOf()) === 0);
});

const never: Annotate = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

const isActive = async () => (await raw.queue.getActiveCount()) === 1;

test('a worker that ends finishes what it can in its time', async () => {
  const ending = workers(async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return DONE;
  });
  const waited = queue.run('annotate', job, INTERACTIVE);
  await until(isActive);
  await ending.close(5_000);
  expect(await waited).toEqual(DONE);
});

test('a worker that ends gives back what it cannot finish, at once, to another', async () => {
  const ending = workers(never);
  const waited = queue.run('annotate', job, INTERACTIVE);
  await until(isActive);
  await ending.close(100);
  expect(await raw.queue.getWaitingCount()).toBe(1);
  workers(() => Promise.resolve(DONE));
  expect(await waited).toEqual(DONE);
});

test('the result of a caller who left is not kept on being computed', async () => {
  let stopped = false;
  workers(async (payload, context) => {
    try {
      return await never(payload, context);
    } finally {
      stopped = true;
    }
  });
  const controller = new AbortController();
  const { signal } = controller;
  const waited = queue.run('annotate', job, { ...INTERACTIVE, deadlineMs: 60_000, signal });
  await until(isActive);
  controller.abort(new Error('gone'));
  await expect(waited).rejects.toThrow('gone');
  await until(() => stopped);
  await until(async () => (await raw.queue.getActiveCount()) === 0);
  expect(await raw.queue.getFailedCount()).toBe(0);
});

test.each([
  ['of another name', 'reindex', { lane: 'batch', isWatched: false, payload: job }],
  ['in no envelope', 'annotate', job],
  [
    'with a payload of another shape',
    'annotate',
    { lane: 'batch', isWatched: false, payload: { batch: 7 } },
  ],
])('a job %s fails at once, whatever attempts it may have', async (_, name, data) => {
  let begun = 0;
  workers(() => {
    begun += 1;
    return Promise.resolve(DONE);
  });
  await raw.queue.add(name, data, { attempts: 5 });
  await until(async () => (await raw.queue.getFailedCount()) === 1);
  const [failed] = await raw.queue.getFailed();
  expect(failed?.failedReason).toMatch(/^invalid-input: /u);
  expect(failed?.attemptsMade).toBe(1);
  expect(begun).toBe(0);
});

test('what an ended job leaves in Redis is bounded', async () => {
  workers(() => Promise.resolve(DONE));
  for (let at = 0; at < 600; at += 50) {
    await Promise.all(Array.from({ length: 50 }, () => queue.run('annotate', job, INTERACTIVE)));
  }
  expect(await raw.queue.getCompletedCount()).toBeLessThanOrEqual(500);
});
