import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileSource } from '../libs/jobs/import-source.js';
import { importEntities } from '../libs/jobs/import-entities.js';
import { LinkingModel } from '../libs/model/linking-model.js';
import { BullQueue } from '../libs/queue/bull-queue.js';
import { until } from '../libs/queue/testing/gate.js';
import { MODEL_FOLDER } from './support/golden.js';
import { ReferentProcess, type Running } from './support/referent-process.js';
import { runningApi, type Answer, type RunningApi } from './support/running-api.js';
import { startRedis, uniqueName, type Service } from './support/services.js';
import { temporaryCatalog, type TemporaryCatalog } from './support/small-kb.js';

/** Reranking by worker processes: the same answers to the byte, and what happens when they are killed. */

const SENTENCES = readFileSync('kb/demo/gold.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { text: string }).text);
/** One in thirty, from all over the file. */
const SAMPLE = SENTENCES.filter((_, at) => at % 30 === 0);
/** Some seconds of work with all candidates of each mention. */
const LONG = SENTENCES.slice(0, 2).join(' ');
/** So long that a busy machine degrades no answer. */
const NO_HASTE = { REFERENT_RERANK_DEADLINE_MS: '120000' };

/** The machine may be busy. */
const START_MS = 60_000;

let redis: Service;
let temporary: TemporaryCatalog;
let alone: RunningApi;
const apis: RunningApi[] = [];
const workers: Running[] = [];

beforeAll(async () => {
  redis = await startRedis();
  temporary = await temporaryCatalog();
  const { catalog } = temporary;
  const model = await LinkingModel.load(MODEL_FOLDER, { threads: 1 });
  await importEntities({
    store: await catalog.openOrCreate('demo'),
    model,
    derivedFolder: catalog.derivedFolder('demo'),
    sources: [await fileSource('kb/demo/entities.jsonl')],
    strict: true,
  });
  await model.close();
  alone = await api({});
  apis.pop();
}, 120_000);

afterEach(async () => {
  await Promise.all(workers.splice(0).map(ended));
  for (const one of apis.splice(0)) await one.close();
});

afterAll(async () => {
  await alone.close();
  await temporary.remove();
  await redis.stop();
});

const settings = (prefix: string) => ({
  REFERENT_THREADS: '1',
  REFERENT_DATA_DIR: temporary.dataDir,
  REFERENT_DEFAULT_KB: 'demo',
  REFERENT_QUEUE_PREFIX: prefix,
});

async function api(env: Readonly<Record<string, string>>): Promise<RunningApi> {
  const running = await runningApi({}, { ...settings('unused'), ...env });
  apis.push(running);
  await until(async () => (await running.get('/health/ready')).status === 200, START_MS);
  return running;
}

function apiOverRedis(prefix: string, env: Readonly<Record<string, string>> = {}) {
  return api({ REDIS_URL: redis.url, REFERENT_QUEUE_PREFIX: prefix, ...env });
}

async function worker(prefix: string): Promise<Running> {
  const process = new ReferentProcess({
    ...settings(prefix),
    REDIS_URL: redis.url,
    REFERENT_SHUTDOWN_MS: '120000',
  });
  const running = process.start('worker', '--queues', 'rerank');
  workers.push(running);
  await until(() => running.output.stdout.includes('takes rerank'), START_MS);
  return running;
}

async function ended({ child, ended: end }: Running): Promise<void> {
  child.kill('SIGKILL');
  await end;
}

interface Annotated {
  readonly links: unknown;
  readonly degraded?: true;
}

async function annotate(at: RunningApi, text: string, options: object = {}): Promise<Answer> {
  return at.post('/v1/annotate', { text, options: { candidates: 3, ...options } });
}

/** All of an answer but the times; the start of it, and a hash of the whole. */
function said({ status, body }: Answer): string {
  const { degraded } = body as Annotated;
  const text = JSON.stringify({ ...(body as object), timings: undefined });
  const hash = createHash('sha256').update(text).digest('hex');
  return `${status} ${String(degraded)} ${hash} ${text.slice(0, 200)}`;
}

async function whileBusy(prefix: string): Promise<void> {
  const queue = new BullQueue({
    redisUrl: redis.url,
    prefix,
    maxWaiting: 1,
    log: { warn: () => undefined, error: () => undefined },
  });
  await until(async () => {
    const counts = (await queue.counts()).find((each) => each.queue === 'rerank');
    return counts?.active === 1;
  });
  await queue.close();
}

describe('with a worker', () => {
  test('answers are those of one process alone, to the byte', async () => {
    const prefix = uniqueName();
    await worker(prefix);
    const over = await apiOverRedis(prefix, NO_HASTE);
    for (const text of SAMPLE) {
      expect(said(await annotate(over, text))).toBe(said(await annotate(alone, text)));
    }
    for (const text of SAMPLE.slice(0, 2)) {
      const full = { rerank: 'full', candidates: true };
      expect(said(await annotate(over, text, full))).toBe(said(await annotate(alone, text, full)));
    }
    const joined = SAMPLE.slice(0, 10).join(' ');
    expect(said(await annotate(over, joined))).toBe(said(await annotate(alone, joined)));
  }, 240_000);

  test('so are those to many clients at once', async () => {
    const prefix = uniqueName();
    await worker(prefix);
    const over = await apiOverRedis(prefix, NO_HASTE);
    const texts = SAMPLE.slice(0, 16);
    const expected = [];
    for (const text of texts) expected.push(said(await annotate(alone, text)));
    const answers = await Promise.all(texts.map((text) => annotate(over, text)));
    expect(answers.map(said)).toEqual(expected);
  }, 120_000);

  test('killed in the middle of a job, another finishes it, and the answer is whole', async () => {
    const prefix = uniqueName();
    const over = await apiOverRedis(prefix, NO_HASTE);
    const first = await worker(prefix);
    const waited = annotate(over, LONG, { rerank: 'full' });
    await whileBusy(prefix);
    await sleep(300);
    await worker(prefix);
    await ended(first);
    const answer = await waited;
    expect(answer.status).toBe(200);
    expect(said(answer)).toBe(said(await annotate(alone, LONG, { rerank: 'full' })));
    expect((answer.body as Annotated).degraded).toBeUndefined();
  }, 240_000);

  test('killed with none beside it, the answer is degraded; a new worker and all is right again', async () => {
    const prefix = uniqueName();
    const over = await apiOverRedis(prefix, { REFERENT_RERANK_DEADLINE_MS: '3000' });
    const only = await worker(prefix);
    const waited = annotate(over, LONG, { rerank: 'full' });
    await whileBusy(prefix);
    await ended(only);
    const answer = await waited;
    expect(answer.status).toBe(200);
    expect((answer.body as Annotated).degraded).toBe(true);
    await worker(prefix);
    const [text = ''] = SAMPLE;
    const whole = said(await annotate(alone, text));
    await until(async () => said(await annotate(over, text)) === whole, START_MS);
  }, 240_000);

  test('told to end, it finishes its job first', async () => {
    const prefix = uniqueName();
    const over = await apiOverRedis(prefix, NO_HASTE);
    const only = await worker(prefix);
    const waited = annotate(over, LONG, { rerank: 'full' });
    await whileBusy(prefix);
    only.child.kill('SIGTERM');
    const answer = await waited;
    expect((answer.body as Annotated).degraded).toBeUndefined();
    expect((await only.ended).code).toBe(0);
  }, 120_000);
});

describe('without a worker', () => {
  test('an answer is that of the dual encoder and says so, by document too', async () => {
    const over = await apiOverRedis(uniqueName(), { REFERENT_RERANK_DEADLINE_MS: '300' });
    const [text = ''] = SAMPLE;
    const none = await annotate(alone, text, { rerank: 'none' });
    const { degraded, links } = (await annotate(over, text, { rerank: 'full' })).body as Annotated;
    expect(degraded).toBe(true);
    expect(links).toEqual((none.body as Annotated).links);

    const documents = [
      { id: 'a', text },
      { id: 'b', text: 'Nothing to link.' },
    ];
    const both = await over.post('/v1/annotate', { documents, options: { rerank: 'full' } });
    expect(both.body).toMatchObject({
      degraded: true,
      results: [{ id: 'a', degraded: true }, { id: 'b' }],
    });
    expect((both.body as { results: Annotated[] }).results[1]).not.toHaveProperty('degraded');
  }, 60_000);

  test('a strict caller is answered 503 instead', async () => {
    const over = await apiOverRedis(uniqueName(), { REFERENT_RERANK_DEADLINE_MS: '300' });
    const [text = ''] = SAMPLE;
    const answer = await annotate(over, text, { rerank: 'full', strict: true });
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'deadline-exceeded' });
    expect(answer.headers.get('retry-after')).not.toBeNull();
  }, 60_000);

  test('nobody is asked, and nothing is degraded, where no pair has to be scored', async () => {
    const over = await apiOverRedis(uniqueName(), { REFERENT_RERANK_DEADLINE_MS: '300' });
    const [text = ''] = SAMPLE;
    for (const [what, options] of [
      [text, { rerank: 'none', strict: true }],
      ['Nothing at all.', { strict: true }],
    ] as const) {
      const answer = await annotate(over, what, options);
      expect(said(answer)).toBe(said(await annotate(alone, what, { ...options, strict: false })));
    }
  }, 60_000);

  test('with Redis gone answers come degraded at once, and whole again when it is back', async () => {
    const prefix = uniqueName();
    await worker(prefix);
    const over = await apiOverRedis(prefix, NO_HASTE);
    const [text = ''] = SAMPLE;
    const whole = said(await annotate(alone, text, { rerank: 'full' }));
    expect(said(await annotate(over, text, { rerank: 'full' }))).toBe(whole);
    await redis.kill();
    try {
      await annotate(over, text, { rerank: 'full' });
      const since = performance.now();
      const answer = await annotate(over, text, { rerank: 'full' });
      expect((answer.body as Annotated).degraded).toBe(true);
      expect(performance.now() - since).toBeLessThan(1_500);
      await sleep(10_000);
    } finally {
      await redis.start();
    }
    await until(
      async () => said(await annotate(over, text, { rerank: 'full' })) === whole,
      START_MS,
    );
  }, 120_000);
});
