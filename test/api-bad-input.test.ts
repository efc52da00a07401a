import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { annotateTextResponse } from '../libs/contract/responses.js';
import { problem } from '../libs/contract/problem.js';
import { HOMONYMS } from './support/homonyms.js';
import { runningApi, type Answer, type RunningApi } from './support/running-api.js';

const JSON_TYPE = { 'Content-Type': 'application/json' };

let api: RunningApi;
beforeAll(async () => {
  api = await runningApi({ demo: HOMONYMS });
});
afterAll(() => api.close());

/** Any refusal: problem details with the status twice, the id of the request, and nothing of the inside. */
function refusal({ status, headers, body }: Answer) {
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const parsed = problem.strict().parse(body);
  expect(parsed.status).toBe(status);
  expect(parsed.requestId).toBe(headers.get('x-request-id'));
  expect(JSON.stringify(body)).not.toMatch(/node_modules|\.[jt]s:\d|\n\s+at /);
  return parsed;
}

interface Bad {
  readonly name: string;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly code: string;
  readonly pointer?: string;
  readonly detail?: RegExp;
}

const text = 'Mercury 😀 is a planet';
const spans = (...mentions: [number, number][]) => ({
  text,
  mentions: mentions.map(([start, end]) => ({ start, end })),
});
const many = (count: number) => Array.from({ length: count }, () => ({ start: 0, end: 7 }));
const [high, low] = '😀';

const BAD: readonly Bad[] = [
  { name: 'not JSON', body: 'Mercury', status: 400, code: 'malformed-json', detail: /not JSON/ },
  { name: 'half of a JSON object', body: '{"text":"a"', status: 400, code: 'malformed-json' },
  { name: 'nothing', body: '', status: 400, code: 'invalid-input', pointer: '/text' },
  { name: 'JSON null', body: 'null', status: 400, code: 'invalid-input', pointer: '' },
  { name: 'a JSON list', body: '[]', status: 400, code: 'invalid-input', pointer: '' },
  { name: 'bytes that are not UTF-8', body: new Uint8Array([0x7b, 0xff, 0x7d]), status: 400, code: 'malformed-json', detail: /UTF-8/ },
  { name: 'a form', body: 'text=a', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, status: 415, code: 'unsupported-media-type', detail: /application\/json/ },
  { name: 'another charset', body: '{}', headers: { 'Content-Type': 'application/json; charset=latin1' }, status: 415, code: 'unsupported-media-type', detail: /UTF-8/ },
  { name: 'a compression that is none', body: '{}', headers: { ...JSON_TYPE, 'Content-Encoding': 'zip' }, status: 415, code: 'unsupported-media-type' },
  { name: 'gzip that is not', body: '{}', headers: { ...JSON_TYPE, 'Content-Encoding': 'gzip' }, status: 400, code: 'malformed-json' },
  { name: 'gzip that unpacks to 100 MB', body: gzipSync(Buffer.alloc(1e8, 32)), headers: { ...JSON_TYPE, 'Content-Encoding': 'gzip' }, status: 413, code: 'too-large', detail: /REFERENT_MAX_BODY_BYTES/ },
  { name: 'a text of 5 MB', body: { text: 'a'.repeat(5e6) }, status: 413, code: 'too-large', detail: /4194304 bytes/ },
  { name: 'a text of 200,001 characters', body: { text: 'a'.repeat(200_001) }, status: 413, code: 'too-large', pointer: '/text', detail: /200001.*200000.*REFERENT_MAX_TEXT_CHARS/ },
  { name: '100,000 mentions', body: { text, mentions: many(100_000) }, status: 413, code: 'too-large', pointer: '/mentions', detail: /100000.*1000.*REFERENT_MAX_MENTIONS/ },
  { name: '101 documents', body: { documents: Array.from({ length: 101 }, (_, at) => ({ id: `${at}`, text: '' })) }, status: 413, code: 'too-large', pointer: '/documents' },
  { name: 'a wrong field', body: { txt: 'a' }, status: 400, code: 'invalid-input', pointer: '', detail: /unknown field "txt"/ },
  { name: 'a number for a text', body: { text: 5 }, status: 400, code: 'invalid-input', pointer: '/text', detail: /is 5: expected a string/ },
  { name: 'an unknown KB', body: { text, kb: 'nope' }, status: 404, code: 'kb-not-found', detail: /nope.*demo/ },
  { name: 'a KB outside the data folder', body: { text, kb: '../../etc' }, status: 400, code: 'invalid-input', detail: /cannot name a knowledge base/ },
  { name: 'a reversed span', body: spans([7, 3]), status: 400, code: 'invalid-input', pointer: '/mentions/0', detail: /\[7, 3\) is empty or reversed/ },
  { name: 'an empty span', body: spans([0, 7], [3, 3]), status: 400, code: 'invalid-input', pointer: '/mentions/1' },
  { name: 'a span beyond the text', body: spans([0, 1000]), status: 400, code: 'invalid-input', pointer: '/mentions/0', detail: /outside the text, which has 22/ },
  { name: 'a span of an empty text', body: { text: '', mentions: [{ start: 0, end: 1 }] }, status: 400, code: 'invalid-input', pointer: '/mentions/0' },
  { name: 'an offset that no machine counts to', body: spans([0, 1e300]), status: 400, code: 'invalid-input', pointer: '/mentions/0/end' },
  { name: 'a span that cuts a surrogate pair', body: spans([0, 9]), status: 400, code: 'invalid-input', pointer: '/mentions/0', detail: /surrogate pair/ },
  { name: 'a bad span in the second document', body: { documents: [{ id: 'a', text }, { id: 'b', text, mentions: [{ start: 5, end: 2 }] }] }, status: 400, code: 'invalid-input', pointer: '/documents/1/mentions/0' },
  { name: 'two documents with one id', body: { documents: [{ id: 'a', text }, { id: 'a', text }] }, status: 400, code: 'invalid-input', pointer: '/documents/1/id' },
  { name: 'a code point beyond the text', body: { ...spans([0, 22]), options: { offsetUnit: 'codepoint' } }, status: 400, code: 'invalid-input', pointer: '/mentions/0' },
]; // prettier-ignore

describe('a body that cannot be worked on', () => {
  it.each(BAD)('$name is $status', async ({ body, headers, status, code, pointer, detail }) => {
    const sent = await api.post('/v1/annotate', body, { headers: headers ?? JSON_TYPE });
    const told = refusal(sent);
    expect([told.status, told.code]).toEqual([status, code]);
    if (pointer !== undefined) expect(told.errors?.[0]?.pointer).toBe(pointer);
    expect(told.detail).toMatch(detail ?? /./);
  });

  it('leaves the server well', async () => {
    expect((await api.get('/health/ready')).status).toBe(200);
  });

  it('is refused by the other two endpoints in the same way', async () => {
    for (const path of ['/v1/mentions', '/v1/candidates']) {
      expect(refusal(await api.post(path, { documents: [] })).status).toBe(400);
      expect(refusal(await api.post(path, { text: 'a'.repeat(200_001) })).status).toBe(413);
      expect(refusal(await api.post(path, '{')).code).toBe('malformed-json');
    }
    expect(refusal(await api.post('/v1/candidates', spans([0, 9]))).detail).toMatch(/surrogate/);
  });
});

describe('a text of any characters', () => {
  const linked = async (body: object) => {
    const { status, body: answer } = await api.post('/v1/annotate', body);
    expect(status).toBe(200);
    return annotateTextResponse.parse(answer).links;
  };

  it.each<[string, string]>([
    ['an empty text', ''],
    ['white space', ' \n\t\u00a0\u2003'],
    ['emoji', '😀👩‍👩‍👧‍👦🏳️‍🌈 Mercury 🪐 planet 🇫🇷'],
    ['NUL', 'Mer\0cury \0 Mercury the planet \0'],
    ['right-to-left marks', '\u202eMercury\u202c \u200fthe planet\u200e \u2067Mercury\u2069'],
    ['lone surrogates', `${high ?? ''} Mercury the planet ${low ?? ''}${high ?? ''}`],
    ['combining marks', 'Me\u0301rcury the planet \u0301\u0301\u0301'],
    ['one word of 100,000 letters', 'x'.repeat(100_000)],
    ['200,000 characters of emoji', '😀'.repeat(100_000)],
    ['Chinese, Arabic, Hindi', '水星是离太阳最近的行星。 عطارد كوكب बुध ग्रह Mercury the planet'],
  ])('%s: links, and surfaces are where the offsets say', async (_name, text) => {
    for (const offsetUnit of ['utf16', 'codepoint'] as const) {
      const links = await linked({ text, options: { offsetUnit, includeNil: true } });
      const slice = (start: number, end: number) =>
        offsetUnit === 'utf16'
          ? text.slice(start, end)
          : Array.from(text).slice(start, end).join('');
      for (const { start, end, surface } of links) expect(slice(start, end)).toBe(surface);
      if (/Mercury/.test(text)) expect(links.map(({ surface }) => surface)).toContain('Mercury');
    }
  });

  it('takes a lone surrogate written as an escape, and answers with JSON that parses', async () => {
    const { status, body } = await api.post(
      '/v1/annotate',
      '{"text":"\\ud800 Mercury","mentions":[{"start":0,"end":9}]}',
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ links: [{ surface: '\ud800 Mercury', start: 0, end: 9 }] });
  });

  it('links given spans that hold nothing to read', async () => {
    const links = await linked({ text: ' \0 \u200f', mentions: [{ start: 0, end: 4 }, { start: 1, end: 2 }] }); // prettier-ignore
    expect(links.map(({ surface }) => surface)).toEqual([' \0 \u200f', '\0']);
  });

  it('takes a gzipped body', async () => {
    const sent = gzipSync(JSON.stringify({ text: 'Mercury' }));
    const headers = { ...JSON_TYPE, 'Content-Encoding': 'gzip' };
    expect((await api.post('/v1/mentions', sent, { headers })).status).toBe(200);
  });
});

describe('a wrong address', () => {
  it.each<[string, string, number, string]>([
    ['GET', '/v1/nothing', 404, 'route-not-found'],
    ['POST', '/v1/nothing', 404, 'route-not-found'],
    ['GET', '/docs/assets/index.html', 404, 'route-not-found'],
    ['GET', '/docs/assets/..%2Fpackage.json', 404, 'route-not-found'],
    ['GET', '/v1/annotate', 405, 'method-not-allowed'],
    ['PUT', '/v1/annotate', 405, 'method-not-allowed'],
    ['POST', '/health/live', 405, 'method-not-allowed'],
    ['GET', '/v1/entities/nobody', 404, 'entity-not-found'],
    ['GET', '/v1/entities/mercury-planet?kb=nope', 404, 'kb-not-found'],
    ['GET', '/v1/entities/%00', 404, 'entity-not-found'],
    ['OPTIONS', '/v1/annotate', 405, 'method-not-allowed'],
    ['GET', '/v1/entities/%ff', 400, 'malformed-json'],
    ['GET', '/v1/entities', 400, 'invalid-input'],
    ['GET', '/v1/entities?q=a&q=b', 400, 'invalid-input'],
    ['GET', '/v1/entities?q=a&limit=0', 400, 'invalid-input'],
    ['GET', '/v1/entities?q=a&limit=x', 400, 'invalid-input'],
    ['GET', '/v1/entities?q=a&wrong=1', 400, 'invalid-input'],
  ])('%s %s is %d', async (method, path, status, code) => {
    const told = refusal(await api.get(path, { method }));
    expect([told.status, told.code]).toEqual([status, code]);
  });

  it('refuses a query of more than 1,000 characters', async () => {
    const told = refusal(await api.get(`/v1/entities?q=${'a'.repeat(1001)}`));
    expect(told.errors).toEqual([
      { parameter: 'q', detail: expect.stringMatching(/at most 1000/) },
    ]);
  });

  it('is told which methods the path takes', async () => {
    expect((await api.get('/v1/annotate')).headers.get('allow')).toBe('POST');
  });

  it.each(['%00', '%F0%9F%98%80', '"*', "' OR 1=1 --", 'NEAR(a b)', '%E2%80%AE'])(
    'searches for %s without falling over',
    async (q) => {
      expect((await api.get(`/v1/entities?q=${q}`)).status).toBe(200);
    },
  );
});

describe('what is not HTTP', () => {
  const raw = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
      let answer = '';
      socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
      socket.on('end', () => {
        resolve(answer);
      });
      socket.on('error', reject).end(bytes);
    });

  it.each<[string, string, number]>([
    ['a greeting', 'HELLO\r\n\r\n', 400],
    ['headers of 20 kB', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ])('%s is answered with a problem', async (_name, bytes, status) => {
    const [head, body] = (await raw(bytes)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const told = problem.strict().parse(JSON.parse(body ?? ''));
    expect([told.status, told.code]).toEqual([status, 'malformed-request']);
  });
});

describe('a broken KB', () => {
  it('is listed with its problem, refused with a reason, and hinders no other', async () => {
    const folder = join(api.dataDir, 'kbs', 'broken');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'store.sqlite'), 'this is not SQLite'.repeat(1000));
    const { body } = await api.get('/v1/kbs');
    expect(body).toMatchObject({
      kbs: [{ name: 'broken', problem: expect.any(String) }, { name: 'demo' }],
    });
    expect(refusal(await api.post('/v1/annotate', { text, kb: 'broken' })).code).toBe(
      'store-invalid',
    );
    expect((await api.post('/v1/annotate', { text })).status).toBe(200);
    expect((await api.get('/health/ready')).status).toBe(200);
  });
});
