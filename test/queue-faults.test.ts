import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobPayload } from '../libs/contract/jobs.js';
import { BullQueue } from '../libs/queue/bull-queue.js';
import { BullWorkers } from '../libs/queue/bull-workers.js';
import { until } from '../libs/queue/testing/gate.js';
import type { Handlers } from '../libs/queue/work-queue.js';
import { startRedis, uniqueName, type Service } from './support/services.js';

/** Redis goes away, comes back empty, is full; a job comes twice; clocks jump. Nobody restarts our processes. */

const ONE_EACH = { rerank: 2, annotate: 1, embed: 1, publish: 1 };
const PATIENT = { lane: 'interactive', deadlineMs: 20_000 } as const;

const asked = (text: string): JobPayload<'rerank'> => ({
  kb: 'k',
  release: 'r',
  text,
  mentions: [],
  mode: 'full',
  minConfidence: 0,
});

let redis: Service;
let queue: BullQueue;
let workers: BullWorkers;
let told: string[];
/** Texts of the jobs that were begun, and what lets a job called 'slow' end. */
let begun: string[];
let endSlow: () => void;
let slow: Promise<void>;

const rerank: Handlers['rerank'] = async ({ text }) => {
  begun.push(text);
  if (text === 'slow') await slow;
  return { logits: [], pairsScored: text.length };
};

function start(service: Service): void {
  redis = service;
  told = [];
  begun = [];
  slow = new Promise((resolve) => {
    endSlow = resolve;
  });
  const note = (message: unknown) => told.push(String(message));
  const link = { redisUrl: redis.url, prefix: uniqueName(), log: { warn: note, error: note } };
  queue = new BullQueue({ ...link, maxWaiting: 100 });
  workers = new BullWorkers({
    ...link,
    handlers: { rerank },
    queues: ['rerank'],
    concurrency: ONE_EACH,
  });
}

const isRight = async (text: string) =>
  (await queue.run('rerank', asked(text), PATIENT)).pairsScored === text.length;

/** Within ten seconds, by the same objects as before. */
async function works(): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  for (let attempt = 1; ; attempt++) {
    const right = await isRight(`again ${attempt}`).catch((error: unknown) => {
      if (performance.now() > giveUpAt) throw error;
      return false;
    });
    if (right) break;
    await sleep(50);
  }
  await drained();
}

async function drained(): Promise<void> {
  await until(async () => {
    const counts = (await queue.counts()).find((each) => each.queue === 'rerank');
    return counts?.waiting === 0 && counts.active === 0;
  });
}

async function ask<T>(work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(redis.url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

afterEach(async () => {
  endSlow();
  await queue.close();
  await workers.close(100);
  await redis.stop();
});

describe('a Redis that keeps nothing', () => {
  beforeEach(async () => {
    start(await startRedis());
    expect(await isRight('first')).toBe(true);
  });

  test('while it is gone callers hear so within a second; when it is back all goes on', async () => {
    await redis.kill();
    for (let call = 0; call < 3; call++) {
      const since = performance.now();
      await expect(queue.run('rerank', asked('x'), PATIENT)).rejects.toMatchObject({
        code: 'queue-unavailable',
      });
      expect(performance.now() - since).toBeLessThan(1_000);
      await sleep(1_000);
    }
    await redis.start();
    await works();
  }, 60_000);

  test('an outage is told of once, and its end', async () => {
    await redis.kill();
    await sleep(3_000);
    await redis.start();
    await works();
    expect(told.filter((line) => line.includes('cannot be used')).length).toBeLessThanOrEqual(2);
    expect(told.some((line) => line.includes('can be used again'))).toBe(true);
  }, 60_000);

  test('where it hangs, callers hear so within a second', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    try {
      const since = performance.now();
      await expect(queue.run('rerank', asked('x'), PATIENT)).rejects.toMatchObject({
        code: 'queue-unavailable',
      });
      expect(performance.now() - since).toBeLessThan(1_000);
      await expect(queue.counts()).rejects.toMatchObject({ code: 'queue-unavailable' });
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    await works();
  }, 60_000);

  test('restarted empty in the middle of a job, it has lost the job, and who waits hears so', async () => {
    const waited = queue.run('rerank', asked('slow'), PATIENT).catch((error: unknown) => error);
    await until(() => begun.includes('slow'));
    const since = performance.now();
    await redis.kill();
    await redis.start();
    expect(await waited).toMatchObject({ code: 'queue-unavailable' });
    expect(performance.now() - since).toBeLessThan(10_000);
    endSlow();
    await works();
  }, 60_000);

  test('with its memory full it refuses, at no great cost; with room again all goes on', async () => {
    await ask((client) => client.config('SET', 'maxmemory', '1mb'));
    const before = await commandsDone();
    await expect(queue.run('rerank', asked('x'), PATIENT)).rejects.toMatchObject({
      code: 'queue-unavailable',
      message: expect.stringContaining('memory is full') as unknown,
    });
    await expect(queue.add('rerank', asked('y'), { lane: 'batch', id: 'y' })).rejects.toMatchObject(
      { code: 'queue-unavailable' },
    );
    await sleep(3_000);
    expect((await commandsDone()) - before).toBeLessThan(1_000);
    await ask((client) => client.config('SET', 'maxmemory', '0'));
    await works();
  }, 60_000);

  test('a job that ends while memory is full is done again, and its result comes', async () => {
    const waited = queue.run('rerank', asked('slow'), PATIENT);
    await until(() => begun.includes('slow'));
    await ask((client) => client.config('SET', 'maxmemory', '1mb'));
    endSlow();
    await sleep(2_000);
    await ask((client) => client.config('SET', 'maxmemory', '0'));
    expect(await waited).toEqual({ logits: [], pairsScored: 4 });
    await works();
  }, 60_000);

  test('a job that is delivered twice gives one result, and nothing is left', async () => {
    const waited = queue.run('rerank', asked('slow'), PATIENT);
    await until(() => begun.includes('slow'));
    // Its worker is taken for dead, as it would be after seconds without a word.
    await until(async () => {
      await ask(async (client) => {
        const locks = await client.keys('*:lock');
        if (locks.length > 0) await client.del(locks);
      });
      return begun.filter((text) => text === 'slow').length === 2;
    });
    endSlow();
    expect(await waited).toEqual({ logits: [], pairsScored: 4 });
    await works();
  }, 60_000);

  test.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])(
    'a clock that jumps an hour %s ends no wait and loses no job',
    async (_, jumpMs) => {
      const now = Date.now.bind(Date);
      const waited = queue.run('rerank', asked('slow'), PATIENT);
      await until(() => begun.includes('slow'));
      const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + jumpMs);
      try {
        await sleep(1_500);
        endSlow();
        expect(await waited).toEqual({ logits: [], pairsScored: 4 });
        await works();
        const since = performance.now();
        slow = new Promise(() => undefined);
        await expect(
          queue.run('rerank', asked('slow'), { lane: 'interactive', deadlineMs: 500 }),
        ).rejects.toMatchObject({ code: 'deadline-exceeded' });
        expect(performance.now() - since).toBeLessThan(2_000);
      } finally {
        clock.mockRestore();
      }
    },
    60_000,
  );

  async function commandsDone(): Promise<number> {
    const info = await ask((client) => client.info('stats'));
    return Number(/total_commands_processed:(\d+)/u.exec(info)?.[1]);
  }
});

describe('a Redis that keeps what it is given', () => {
  beforeEach(async () => {
    start(await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] }));
    expect(await isRight('first')).toBe(true);
  });

  test('a result that came while it was gone is there when it is back', async () => {
    const waited = queue.run('rerank', asked('slow'), PATIENT);
    await until(() => begun.includes('slow'));
    await redis.kill();
    endSlow();
    await sleep(1_500);
    await redis.start();
    expect(await waited).toEqual({ logits: [], pairsScored: 4 });
    await works();
  }, 60_000);

  test('jobs that were handed over before are done after', async () => {
    const waited = queue.run('rerank', asked('slow'), PATIENT);
    await until(() => begun.includes('slow'));
    for (const text of ['a', 'b', 'c']) {
      await queue.add('rerank', asked(text), { lane: 'batch', id: text });
    }
    await redis.kill();
    endSlow();
    await redis.start();
    await waited;
    await until(() => ['a', 'b', 'c'].every((text) => begun.includes(text)));
    await works();
  }, 60_000);
});
