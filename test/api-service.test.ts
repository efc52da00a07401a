import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApi } from '../apps/api/create-api.js';
import { parseSettings } from '../libs/config/settings.js';
import { HOMONYMS } from './support/homonyms.js';
import { runningApi, type Answer, type RunningApi } from './support/running-api.js';

const SHORT = { text: 'Mercury is a planet.' };
/** About a second of work: 200 pairs. */
const LONG = {
  text: 'Mercury met Java in Paris near Amazon. '.repeat(2),
  options: { rerank: 'full' },
};

let api: RunningApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});
const start = async (...of: Parameters<typeof runningApi>) => (api = await runningApi(...of));

/** Sends a request and hangs up after a while. */
function hangUp(url: string, body: object, afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    const headers = { 'Content-Type': 'application/json' };
    const sent = request(`${url}/v1/annotate`, { method: 'POST', headers });
    const timer = setTimeout(() => sent.destroy(), afterMs);
    sent.once('error', () => {
      clearTimeout(timer);
      resolve();
    });
    sent.end(JSON.stringify(body));
  });
}

describe('readiness', () => {
  it('is alive but not ready while there is no KB, and says what to do', async () => {
    const { get, post } = await start({});
    expect((await get('/health/live')).status).toBe(200);
    const ready = await get('/health/ready');
    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({
      code: 'not-ready',
      detail: expect.stringMatching(/import/),
    });
    expect((await get('/v1/kbs')).body).toEqual({ kbs: [] });
    expect((await post('/v1/annotate', SHORT)).body).toMatchObject({
      status: 503,
      code: 'not-ready',
    });
  });

  it('uses the default KB of the settings among several', async () => {
    const kbs = { one: HOMONYMS.slice(0, 2), two: HOMONYMS.slice(0, 2) };
    const { post, get } = await start(kbs, { REFERENT_DEFAULT_KB: 'two' });
    const { body } = await post('/v1/annotate', { text: '' });
    expect(body).toMatchObject({ links: [], versions: { kb: { name: 'two' } } });
    expect((await get('/v1/entities/mercury-planet')).body).toMatchObject({ kb: 'two' });
  });
});

describe('the line', () => {
  it('answers 429 with Retry-After beyond it, and all others; then takes requests again', async () => {
    const { post } = await start(
      { demo: HOMONYMS },
      { REFERENT_MAX_CONCURRENT: '1', REFERENT_MAX_WAITING: '1' },
    );
    const answers = await Promise.all(
      [LONG, LONG, SHORT, SHORT, SHORT].map((body) => post('/v1/annotate', body)),
    );
    const busy = answers.filter(({ status }) => status === 429);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429, 429]);
    for (const { headers, body } of busy) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(body).toMatchObject({ code: 'busy', detail: expect.stringMatching(/most is 2/) });
    }
    expect((await post('/v1/annotate', SHORT)).status).toBe(200);
  });

  it('drops the work of a client that hangs up', async () => {
    const { url, post, log } = await start(
      { demo: HOMONYMS },
      { REFERENT_MAX_CONCURRENT: '1', REFERENT_MAX_WAITING: '0' },
    );
    await hangUp(url, { documents: ids(100).map((id) => ({ id, ...textOf(LONG) })) }, 300);
    const until = performance.now() + 15_000;
    let answer: Answer | undefined;
    while (answer?.status !== 200 && performance.now() < until) {
      await sleep(50);
      answer = await post('/v1/annotate', SHORT);
    }
    expect(answer?.status).toBe(200);
    expect(log.some((line) => line.includes('"status":499'))).toBe(true);
    expect(log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});

describe('headers and logs', () => {
  let shared: RunningApi;
  beforeAll(async () => {
    shared = await runningApi({ demo: HOMONYMS });
  });
  afterAll(() => shared.close());

  it('gives the id of the caller back, and one of its own where that is none', async () => {
    const { get } = shared;
    const withId = (id: string) => get('/health/live', { headers: { 'X-Request-Id': id } });
    expect((await withId('job-7.a:b')).headers.get('x-request-id')).toBe('job-7.a:b');
    const made = (await withId('two words')).headers.get('x-request-id');
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
    expect((await withId('x'.repeat(129))).headers.get('x-request-id')).toHaveLength(36);
  });

  it('says no more of itself than needed, and lets no other site in', async () => {
    const { get } = shared;
    const { headers } = await get('/v1/kbs', { headers: { Origin: 'https://example.org' } });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.has('x-powered-by')).toBe(false);
    expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  it('writes a line a request: who, what, how long; never a text or a query', async () => {
    const { post, get, log } = shared;
    const headers = { 'Content-Type': 'application/json', 'X-Request-Id': 'abc' };
    await post('/v1/annotate', { text: 'A secret about Mercury', kb: 'demo' }, { headers });
    await get('/v1/entities?q=secret');
    await post('/v1/annotate', '{"text": secret}');
    await sleep(20);
    expect(log.join('')).not.toContain('secret');
    const line = log.map((one) => JSON.parse(one) as object).find((one) => 'requestId' in one && one.requestId === 'abc'); // prettier-ignore
    expect(line).toMatchObject({
      level: 'info',
      method: 'POST',
      path: '/v1/annotate',
      status: 200,
      milliseconds: expect.any(Number),
    });
  });

  it('answers HEAD without a body', async () => {
    const { get } = shared;
    expect(await get('/health/ready', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect(await get('/health/live', { method: 'HEAD' })).toMatchObject({ status: 200 });
  });
});

describe('the end', () => {
  it('finishes what runs, takes nothing new, and frees everything', async () => {
    const { post, get, close, url } = await start({ demo: HOMONYMS });
    const running = post('/v1/annotate', LONG);
    await sleep(200);
    const closed = close();
    api = undefined;
    await expect(get('/health/live')).rejects.toThrow();
    expect((await running).status).toBe(200);
    await closed;
    await expect(fetch(url)).rejects.toThrow();
  });

  it('does not wait longer than it may: for a slow request, or for a client that sends nothing', async () => {
    const { url, close } = await start({ demo: HOMONYMS }, { REFERENT_SHUTDOWN_MS: '300' });
    const running = hangUp(
      url,
      { documents: ids(100).map((id) => ({ id, ...textOf(LONG) })) },
      60_000,
    );
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    idle.on('error', () => undefined);
    await sleep(200);
    const since = performance.now();
    await close();
    api = undefined;
    expect(performance.now() - since).toBeLessThan(8_000);
    await running;
  });
});

describe('a start that cannot succeed', () => {
  it('names a port that is taken, and how to take another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await sleep(20);
    const { port } = other.address() as AddressInfo;
    await expect(start({}, { PORT: String(port) })).rejects.toThrow(
      new RegExp(`Port ${port} is taken.*PORT=${port + 1}`),
    );
    other.close();
  });

  it('names a folder that is no model', async () => {
    const settings = parseSettings({
      REFERENT_MODEL_DIR: '/nowhere',
      REFERENT_DATA_DIR: join(tmpdir(), 'referent-unused'),
      REFERENT_LOG_LEVEL: 'silent',
    });
    await expect(createApi(settings)).rejects.toMatchObject({ code: 'model-invalid' });
  });

  it('names a data folder that cannot be one', async () => {
    const settings = parseSettings({
      REFERENT_DATA_DIR: '/dev/null/x',
      REFERENT_LOG_LEVEL: 'silent',
    });
    await expect(createApi(settings)).rejects.toMatchObject({
      code: 'store-invalid',
      message: expect.stringMatching(/\/dev\/null\/x.*REFERENT_DATA_DIR/),
    });
  });
});

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `d${at}`);
}

function textOf({ text }: { text: string }): { text: string } {
  return { text };
}
