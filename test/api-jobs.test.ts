import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { job, jobResult, type JobResponse } from '../libs/contract/batches.js';
import { problem } from '../libs/contract/problem.js';
import type { AnnotateDocument } from '../libs/contract/annotate.js';
import { HOMONYMS } from './support/homonyms.js';
import { jobLines, jobTools, type JobTools } from './support/jobs.js';
import { runningApi, type RunningApi } from './support/running-api.js';

const TEXTS = [
  'Mercury is the planet nearest the Sun.',
  '🙂 Java is an island, and Python is a snake.',
  'Nothing here.',
  'Freddie Mercury sang for Queen.',
];

const documents = (count: number): AnnotateDocument[] =>
  Array.from({ length: count }, (_, at) => ({
    id: `d${at}`,
    text: `${TEXTS[at % TEXTS.length] ?? ''} ${at}`,
    ...(at % 5 === 1 ? { mentions: [{ start: 0, end: 2 }] } : {}),
  }));

let api: RunningApi;
let tools: JobTools;
beforeAll(async () => {
  api = await runningApi({ demo: HOMONYMS }, { REFERENT_THREADS: '1', REFERENT_MAX_JOBS: '3' });
  tools = jobTools(api.url);
});
afterAll(() => api.close());

/** What `/v1/annotate` answers for the documents, a line of results each. */
async function expected(all: readonly AnnotateDocument[], options: object = {}): Promise<string> {
  const { body } = await api.post('/v1/annotate', { documents: all, options });
  const { results } = body as { results: { id: string; links: unknown }[] };
  const lines = results.map((result, at) => JSON.stringify({ line: at + 1, ...result }));
  return lines.map((line) => `${line}\n`).join('');
}

describe('POST /v1/jobs', () => {
  it('answers 202 with id and Location, and makes the links that /v1/annotate makes, to the byte', async () => {
    const all = documents(70);
    const { status, headers, body } = await tools.send(jobLines(all), '?kb=demo&candidates=2');
    expect(status).toBe(202);
    const made = job.parse(body);
    expect(made).toMatchObject({ kb: 'demo', total: 70, options: { candidates: 2 } });
    expect(headers.get('location')).toBe(`/v1/jobs/${made.id}`);
    const done = await tools.ended(made.id);
    expect(done).toMatchObject({ state: 'done', done: 70, failed: 0, secondsLeft: 0 });
    expect(done.versions?.kb).toMatchObject({ name: 'demo' });
    expect(Date.parse(done.expiresAt ?? '') - Date.parse(done.finishedAt ?? '')).toBe(86_400_000);
    expect(await tools.results(made.id)).toBe(await expected(all, { candidates: 2 }));
  });

  it('takes a JSON body, with options', async () => {
    const all = documents(6);
    const options = { rerank: 'none', offsetUnit: 'codepoint', includeNil: true } as const;
    const { status, body } = await api.post('/v1/jobs', { documents: all, kb: 'demo', options });
    expect(status).toBe(202);
    const { id } = job.parse(body);
    await tools.ended(id);
    expect(await tools.results(id)).toBe(await expected(all, options));
  });

  it('takes a stream that is packed', async () => {
    const init = { headers: { 'Content-Encoding': 'gzip' } };
    const { body } = await tools.send(gzipSync(jobLines(documents(3))), '', init);
    expect(job.parse(body)).toMatchObject({ total: 3 });
    await tools.ended(job.parse(body).id);
  });

  it('gives a line that is no document an error, with its number, and goes on', async () => {
    const sent = [
      '{"id": "a", "text": "Java"}',
      'nonsense',
      '',
      '{"id": "c", "text": 7}',
      `{"id": "d", "text": "${'x'.repeat(200_001)}"}`,
      '{"id": "e", "text": "Java", "mentions": [{"start": 2, "end": 9}]}',
      '{"id": "f", "text": "Python"}',
    ];
    const { body } = await tools.send(sent.join('\n'));
    const { id } = job.parse(body);
    expect(await tools.ended(id)).toMatchObject({ state: 'done', total: 6, done: 2, failed: 4 });
    const lines = (await tools.results(id)).trim().split('\n');
    const results = lines.map((line) => jobResult.parse(JSON.parse(line)));
    const errors = results.map((one) => ('error' in one ? one.error : undefined));
    expect(results.map(({ line, id: own }, at) => [line, own, errors[at]?.code])).toEqual([
      [1, 'a', undefined],
      [2, null, 'malformed-json'],
      [4, 'c', 'invalid-input'],
      [5, 'd', 'too-large'],
      [6, 'e', 'invalid-input'],
      [7, 'f', undefined],
    ]);
    expect(errors[4]?.detail).toMatch(/\/mentions\/0: \[2, 9\) is outside the text/);
  });

  it.each<[string, string, number, RegExp, Record<string, string>?]>([
    ['no line', '\n\n', 400, /no document/],
    ['no line that is a document', '{"id": 1}\nx\n', 400, /Line 1: \/id: is 1/],
    ['a list', '[{"id": "a", "text": ""}]', 400, /jq/],
    ['not gzip', 'plain', 400, /gzip/, { 'Content-Encoding': 'gzip' }],
    ['another packing', 'plain', 415, /plain or gzip/, { 'Content-Encoding': 'br' }],
    [
      'a bad key',
      '{"id":"a","text":""}',
      400,
      /Idempotency-Key.*visible/,
      { 'Idempotency-Key': 'a b' },
    ],
    [
      'an empty key',
      '{"id":"a","text":""}',
      400,
      /Idempotency-Key: is "": expected 1 to 255 visible .*leave the header out/,
      { 'Idempotency-Key': '' },
    ],
  ])('refuses a stream of %s', async (...bad) => {
    // Not named one by one: Jest takes a parameter without a value for its `done`.
    const [, text, status, detail, headers] = bad;
    const before = await tools.count();
    const answer = await tools.send(text, '', { headers: { ...headers } });
    expect([answer.status, problem.parse(answer.body).detail]).toEqual([
      status,
      expect.stringMatching(detail),
    ]);
    expect(await tools.count()).toBe(before);
  });

  it.each([
    ['?kb=nowhere', 404, /no knowledge base nowhere/],
    ['?rerank=some', 400, /rerank: is "some"/],
    ['?minConfidence=2', 400, /from 0 to 1/],
    ['?minConfidence=.5&minPrecision=.5', 400, /not both/],
    ['?bogus=1', 400, /unknown field "bogus"/],
  ])('refuses the query %s', async (query, status, detail) => {
    const answer = await tools.send(jobLines(documents(1)), query);
    expect(answer.status).toBe(status);
    expect(problem.parse(answer.body).detail).toMatch(detail);
  });

  it('refuses a JSON body as a whole where a document is wrong', async () => {
    const bad = { id: 'x', text: 'Java', mentions: [{ start: 3, end: 3 }] };
    const { status, body } = await api.post('/v1/jobs', { documents: [...documents(2), bad] });
    expect(status).toBe(400);
    expect(problem.parse(body).errors?.[0]?.pointer).toBe('/documents/2/mentions/0');
  });

  it('leaves nothing of a client that dies while it sends', async () => {
    const before = await tools.count();
    const sent = httpRequest(`${api.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'half' },
    });
    sent.on('error', () => undefined);
    sent.write(jobLines(documents(3_000)));
    await sleep(300);
    sent.destroy();
    await sleep(200);
    expect(await tools.count()).toBe(before);
    const again = await tools.send(jobLines(documents(1)), '', {
      headers: { 'Idempotency-Key': 'half' },
    });
    expect(again.status).toBe(202);
    await tools.ended(job.parse(again.body).id);
  });
});

describe('Idempotency-Key', () => {
  const headers = { 'Idempotency-Key': 'night-1' };

  it('gives the same job for the same content, and refuses another', async () => {
    const text = jobLines(documents(2));
    const first = job.parse((await tools.send(text, '', { headers })).body);
    const again = await tools.send(`\n${text}`.replace('\n', ''), '?kb=demo', { headers });
    expect([again.status, job.parse(again.body).id]).toEqual([202, first.id]);
    for (const [other, query] of [
      [jobLines(documents(3)), ''],
      [text, '?rerank=none'],
    ] as const) {
      const refused = await tools.send(other, query, { headers });
      expect([refused.status, problem.parse(refused.body).code]).toEqual([409, 'job-conflict']);
    }
    await tools.ended(first.id);
  });
});

describe('a long job', () => {
  let long: JobResponse;
  const all = documents(400);
  beforeAll(async () => {
    long = job.parse((await tools.send(jobLines(all), '?rerank=none')).body);
  });

  it('tells how far it is, by server-sent events, and ends with `end`', async () => {
    const { text, times } = await tools.events(long.id);
    const events = [...text.matchAll(/^event: (\w+)\ndata: (.+)\n\n/gm)];
    const jobs = events.map(([, , data = '']) => job.parse(JSON.parse(data)));
    expect(events.at(-1)?.[1]).toBe('end');
    expect(jobs.at(-1)).toMatchObject({ state: 'done', done: 400 });
    const done = jobs.map((one) => one.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    for (const [at, time] of times.entries()) {
      const earlier = times[at - 2];
      if (earlier !== undefined) expect(time - earlier).toBeGreaterThan(900);
    }
  });

  it('gives its results from a line on, and no more than asked', async () => {
    const whole = await expected(all.slice(0, 100), { rerank: 'none' });
    const lines = whole.split(/(?<=\n)/);
    expect(await tools.results(long.id, '?limit=100')).toBe(whole);
    expect(await tools.results(long.id, '?offset=37&limit=3')).toBe(lines.slice(37, 40).join(''));
    expect(await tools.results(long.id, '?offset=63&limit=30')).toBe(lines.slice(63, 93).join(''));
    expect(await tools.results(long.id, '?offset=400')).toBe('');
  });
});

describe('results while the job runs', () => {
  it('are a prefix in order, and the rest from where it ended', async () => {
    const all = documents(300);
    const { id } = job.parse((await tools.send(jobLines(all), '?rerank=none')).body);
    let text = '';
    for (let state = ''; state !== 'done';) {
      await sleep(50);
      ({ state } = await tools.get(id));
      text += await tools.results(id, `?offset=${text.split('\n').length - 1}`);
    }
    const numbers = text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { line: number }).line);
    expect(numbers).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
    expect(text).toBe(await tools.results(id));
  });

  it('are followed to the end with `wait`', async () => {
    const { id } = job.parse((await tools.send(jobLines(documents(200)), '?rerank=none')).body);
    const followed = await tools.results(id, '?wait=true');
    expect(followed.split('\n')).toHaveLength(201);
    expect(await tools.get(id)).toMatchObject({ state: 'done' });
  });
});

describe('DELETE', () => {
  it('stops a job; what it has stays readable', async () => {
    const { id } = job.parse((await tools.send(jobLines(documents(2_000)))).body);
    while ((await tools.get(id)).done === 0) await sleep(20);
    expect((await fetch(`${api.url}/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    const cancelled = await tools.get(id);
    expect(cancelled).toMatchObject({ state: 'cancelled', finishedAt: expect.any(String) });
    await sleep(1_500);
    const later = await tools.get(id);
    expect(later.done).toBe(cancelled.done);
    expect(later.done).toBeLessThan(2_000);
    expect((await tools.results(id)).split('\n')).toHaveLength(later.done + 1);
    const again = await fetch(`${api.url}/v1/jobs/${id}`, { method: 'DELETE' });
    expect(again.status).toBe(204);
  });
});

describe('what there is not', () => {
  it.each([
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/events'],
    ['GET', '/results'],
  ])('%s /v1/jobs/none%s is 404', async (method, path) => {
    const { status, body } = await api.get(`/v1/jobs/none${path}`, { method });
    expect([status, problem.parse(body).code]).toEqual([404, 'job-not-found']);
  });
});

describe('limits', () => {
  it('answers 429 where too many jobs have not ended', async () => {
    const ids: string[] = [];
    for (let at = 0; at < 3; at++) {
      ids.push(job.parse((await tools.send(jobLines(documents(2_000)))).body).id);
    }
    const refused = await tools.send(jobLines(documents(1)));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(problem.parse(refused.body).detail).toMatch(/REFERENT_MAX_JOBS/);
    const started = performance.now();
    expect((await api.post('/v1/annotate', { text: 'Mercury is a planet.' })).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(3_000);
    for (const id of ids) await api.get(`/v1/jobs/${id}`, { method: 'DELETE' });
  });

  it('refuses too many documents and too many bytes, and answers although more is coming', async () => {
    const small = await runningApi(
      { demo: HOMONYMS },
      {
        REFERENT_THREADS: '1',
        REFERENT_MAX_JOB_DOCUMENTS: '10',
        REFERENT_MAX_JOB_BYTES: '20000',
        REFERENT_MAX_BODY_BYTES: '1024',
      },
    );
    try {
      const { send } = jobTools(small.url);
      const many = await send(jobLines(documents(200_000)));
      expect([many.status, problem.parse(many.body).code]).toEqual([413, 'too-large']);
      expect(problem.parse(many.body).detail).toMatch(/REFERENT_MAX_JOB_(DOCUMENTS|BYTES)/);
      const line = await send(`${jobLines(documents(1))}{"id": "${'x'.repeat(2_000)}"}\n`);
      expect(line.status).toBe(202);
      const { id } = job.parse(line.body);
      await jobTools(small.url).ended(id);
      expect(await jobTools(small.url).results(id, '?offset=1')).toMatch(/longer than 1024 bytes/);
    } finally {
      await small.close();
    }
  });
});
