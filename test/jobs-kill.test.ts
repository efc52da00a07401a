import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { job } from '../libs/contract/batches.js';
import { HOMONYMS } from './support/homonyms.js';
import { eventually, jobLines, jobTools } from './support/jobs.js';
import { ReferentProcess, until, type Running } from './support/referent-process.js';
import { fillKbs } from './support/running-api.js';
import { sharedRedis, uniqueName } from './support/services.js';

/**
 * Processes that are killed in the middle of a batch. Whatever is killed, the batch ends by itself, every document has
 * one result, and the results are those of a batch that nobody disturbed. Needs the built files.
 */
const COUNT = 200;
const documents = Array.from({ length: COUNT }, (_, at) => ({
  id: `d${at}`,
  text: `Mercury number ${at} is a planet, Java is an island and Freddie Mercury sang.`,
}));

let folder: string;
let expected: string;
const running: Running[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-jobs-'));
  await fillKbs(folder, { demo: HOMONYMS });
  const { url, end } = await serve({ REFERENT_DATA_DIR: folder });
  const { send, ended, results } = jobTools(url);
  const { id } = job.parse((await send(jobLines(documents))).body);
  await ended(id);
  expected = await results(id);
  await end('SIGTERM');
}, 180_000);

afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  await rm(folder, { recursive: true, force: true });
});

const SHARED = { PORT: '0', REFERENT_THREADS: '1', REFERENT_LOG_LEVEL: 'error' };

async function start(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const one = new ReferentProcess({ ...SHARED, ...env }).start(...args);
  running.push(one);
  const said = await until(() => {
    if (one.child.exitCode !== null) throw new Error(one.output.stderr);
    return one.output.stdout.includes('\n') && one.output.stdout;
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    one.child.kill(signal);
    return one.ended;
  };
  return { said, end };
}

async function serve(env: Readonly<Record<string, string>>) {
  const { said, end } = await start(env, 'serve');
  const url = /http:\/\/[\d.]+:\d+/.exec(said)?.[0] ?? '';
  await eventually(async () => (await fetch(`${url}/health/ready`)).ok);
  return { url, end };
}

it('the server, killed three times, goes on by itself when it is there again', async () => {
  const env = { REFERENT_DATA_DIR: folder };
  let server = await serve(env);
  const { id } = job.parse((await jobTools(server.url).send(jobLines(documents))).body);
  for (const share of [0.1, 0.3, 0.6]) {
    await eventually(async () => (await jobTools(server.url).get(id)).done >= share * COUNT);
    await server.end('SIGKILL');
    server = await serve(env);
  }
  const { ended, results } = jobTools(server.url);
  expect(await ended(id)).toMatchObject({ state: 'done', total: COUNT, done: COUNT, failed: 0 });
  expect(await results(id)).toBe(expected);
  await server.end('SIGTERM');
}, 240_000);

it('a server that is killed while documents come in has no job of them', async () => {
  const env = { REFERENT_DATA_DIR: folder };
  const first = await serve(env);
  const before = await jobTools(first.url).count();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode(jobLines(documents)));
      await sleep(20);
    },
  });
  const headers = { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'k' };
  const init = { method: 'POST', headers, body, duplex: 'half' as const };
  const sent = fetch(`${first.url}/v1/jobs`, init);
  await sleep(1_000);
  await first.end('SIGKILL');
  await expect(sent).rejects.toThrow();
  const second = await serve(env);
  expect(await jobTools(second.url).count()).toBe(before);
  const again = await jobTools(second.url).send(jobLines(documents.slice(0, 3)), '', { headers });
  expect(again.status).toBe(202);
  await second.end('SIGTERM');
}, 120_000);

it('one of two workers, killed, leaves its pages to the other', async () => {
  const env = {
    REFERENT_DATA_DIR: folder,
    REDIS_URL: sharedRedis(),
    REFERENT_QUEUE_PREFIX: uniqueName(),
  };
  const server = await serve(env);
  const worker = () => start(env, 'worker', '--queues', 'annotate,rerank', '--concurrency', '2');
  const [killed, other] = await Promise.all([worker(), worker()]);
  const { send, get, ended, results } = jobTools(server.url);
  const { id } = job.parse((await send(jobLines(documents))).body);
  await eventually(async () => (await get(id)).done >= 0.3 * COUNT);
  await killed.end('SIGKILL');
  expect(await ended(id)).toMatchObject({ state: 'done', total: COUNT, done: COUNT, failed: 0 });
  expect(await results(id)).toBe(expected);
  await Promise.all([other.end('SIGTERM'), server.end('SIGTERM')]);
}, 240_000);
