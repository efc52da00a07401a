import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyFile } from '../libs/access/key-file.js';
import { job } from '../libs/contract/batches.js';
import { OPERATIONS, roleOf } from '../libs/contract/operations.js';
import type { Operation } from '../libs/contract/operation.js';
import { HOMONYMS } from './support/homonyms.js';
import { rawHttp, rawRequest, statusOf } from './support/raw-http.js';
import { runningApi, type RunningApi } from './support/running-api.js';

const folder = mkdtempSync(join(tmpdir(), 'referent-access-'));
const file = new KeyFile(join(folder, 'api-keys.json'));
const admin = file.add('admin', 'root').secret;
const annotate = file.add('annotate', 'shop').secret;
const another = file.add('annotate', 'bakery').secret;
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let api: RunningApi;
const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });
const basic = (key: string) => `Basic ${Buffer.from(`me:${key}`).toString('base64')}`;

describe('with keys', () => {
  beforeAll(async () => {
    api = await runningApi({ demo: HOMONYMS }, { REFERENT_KEYS_FILE: file.path });
  });
  afterAll(() => api.close());

  const filled = ({ path, parameters = [] }: Operation) =>
    parameters.reduce(
      (url, { name, example }) => url.replace(`{${name}}`, encodeURIComponent(example)),
      path,
    );
  const ask = (
    operation: Operation,
    headers: Record<string, string>,
    method: string = operation.method,
  ) =>
    api.get(filled(operation), {
      method,
      headers: {
        ...headers,
        ...(operation.request === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(operation.request === undefined ? {} : { body: '{}' }),
    });
  const closed = OPERATIONS.filter((one) => roleOf(one) !== 'public');
  const named = (operations: readonly Operation[]) =>
    operations.map((one) => [`${one.method} ${one.path}`, one] as const);

  it.each(named(closed))('%s answers 401 without a key', async (_name, operation) => {
    const { status, body, headers } = await ask(operation, {});
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: 'unauthorized', detail: expect.stringMatching(/Bearer/) });
    expect(headers.get('www-authenticate')).toBe('Bearer realm="Referent"');
  });

  it.each(named(closed.filter((one) => roleOf(one) === 'admin')))(
    '%s answers 403 to a key of the role annotate',
    async (_name, operation) => {
      const { status, body } = await ask(operation, bearer(annotate));
      expect(status).toBe(403);
      expect(body).toMatchObject({
        code: 'forbidden',
        detail: expect.stringMatching(/shop.*admin/),
      });
    },
  );

  it.each(named(closed))('%s lets a key of its role in', async (_name, operation) => {
    const { status } = await ask(
      operation,
      bearer(roleOf(operation) === 'admin' ? admin : annotate),
    );
    expect([401, 403]).not.toContain(status);
  });

  it.each(named(OPERATIONS))(
    '%s: an operation with a method that writes is not open',
    (_name, operation) => {
      if (operation.method !== 'GET') expect(roleOf(operation)).not.toBe('public');
    },
  );

  it.each(['/health/live', '/health/ready', '/docs', '/docs/openapi.json', '/docs/start.js', '/'])(
    'GET %s is open',
    async (path) => {
      expect((await api.get(path)).status).toBe(200);
    },
  );

  it('shows a job to the key that made it and to an admin, and to nobody else', async () => {
    const headers = (key: string) => ({
      ...bearer(key),
      'Content-Type': 'application/json',
      'Idempotency-Key': 'tonight',
    });
    const body = (text: string) => JSON.stringify({ documents: [{ id: 'a', text }] });
    const make = async (key: string, text: string) => {
      const asked = { method: 'POST', headers: headers(key), body: body(text) };
      const made = await api.get('/v1/jobs', asked);
      expect(made.status).toBe(202);
      return job.parse(made.body).id;
    };
    const id = await make(annotate, 'Mercury is a planet.');
    const status = async (key: string, path: string, method = 'GET') =>
      (await api.get(`/v1/jobs/${id}${path}`, { method, headers: bearer(key) })).status;
    for (const path of ['', '/results', '/events']) {
      expect(await status(annotate, path)).toBe(200);
      expect(await status(admin, path)).toBe(200);
      expect(await status(another, path)).toBe(404);
    }
    expect(await status(another, '', 'DELETE')).toBe(404);
    expect(await make(annotate, 'Mercury is a planet.')).toBe(id);
    expect(await make(another, 'Java is an island.')).not.toBe(id);
    expect(await status(annotate, '', 'DELETE')).toBe(204);
  });

  it('takes the key as X-Api-Key too, and names of schemes in any case', async () => {
    const of = async (headers: Record<string, string>) =>
      (await api.get('/v1/kbs', { headers })).status;
    expect(await of({ 'X-Api-Key': annotate })).toBe(200);
    expect(await of({ Authorization: `bearer ${annotate}` })).toBe(200);
    expect(await of({ Authorization: annotate })).toBe(401);
    expect(await of({ Authorization: basic(admin) })).toBe(401);
    expect(await of({ Authorization: `Bearer rk_${'A'.repeat(43)}` })).toBe(401);
    expect(await of({ Authorization: `Bearer ${annotate}${'A'.repeat(10_000)}` })).toBe(401);
  });

  it('refuses two keys, in whatever headers, also where one of them is right', async () => {
    const line = 'GET /v1/kbs HTTP/1.1';
    const send = async (...headers: string[]) =>
      statusOf(await rawHttp(api.url, rawRequest(line, ['Host: localhost', ...headers])));
    const right = `Authorization: Bearer ${annotate}`;
    expect(await send(right)).toBe(200);
    expect(await send(right, 'Authorization: Bearer x')).toBe(401);
    expect(await send('Authorization: Bearer x', right)).toBe(401);
    expect(await send(right, `X-Api-Key: ${annotate}`)).toBe(401);
    expect(await send(`X-Api-Key: ${annotate}`, 'X-Api-Key: x')).toBe(401);
  });

  it("leaves Basic to a proxy in front, and takes its caller's key beside it", async () => {
    const headers = { Authorization: basic('x'), 'X-Api-Key': annotate };
    expect((await api.get('/v1/kbs', { headers })).status).toBe(200);
  });

  /** `{}` is refused as `invalid-input` by the controller: that would mean that it was reached. */
  it.each([
    '//v1/feedback',
    '/v1//feedback',
    '/v1/feedback/',
    '/v1/feedback//',
    '/V1/Feedback',
    '/v1/FEEDBACK',
    '/v1/%66eedback',
    '/v1%2ffeedback',
    '/v1/feedback;x=1',
    '/v1/feedback?role=public',
    '/v1/./feedback',
    '/v1/x/../feedback',
    '/health/../v1/feedback',
    '/health/live/../../v1/feedback',
    '/docs/%2e%2e/v1/feedback',
    '/v1/feedback#/health/live',
    '/v1/feedback%00',
    '/v1/feedback%20',
    '\\v1\\feedback',
    'http://localhost/v1/feedback',
    'http://localhost/V1/Feedback',
    'http://localhost/health/live/../../v1/feedback',
    '*',
  ])('the path %s gives a key of the wrong role nothing', async (path) => {
    const send = async (...headers: string[]) => {
      const all = ['Host: localhost', 'Content-Type: application/json', ...headers];
      const answer = await rawHttp(api.url, rawRequest(`POST ${path} HTTP/1.1`, all, '{}'));
      expect(answer).not.toContain('invalid-input');
      return statusOf(answer);
    };
    expect([400, 401]).toContain(await send());
    expect([400, 403, 404, 405]).toContain(await send(`Authorization: Bearer ${annotate}`));
  });

  it.each([
    '/docs/../v1/kbs',
    '/docs/assets/..%2f..%2fv1%2fkbs',
    '/health/live/..;/v1/kbs',
    '/health/%2e%2e/v1/kbs',
    'http://x/docs/../v1/kbs',
  ])('the path %s gives nobody data', async (path) => {
    const answer = await rawHttp(api.url, rawRequest(`GET ${path} HTTP/1.1`, ['Host: localhost']));
    expect([401, 404]).toContain(statusOf(answer));
    expect(answer).not.toContain('"kbs"');
  });

  it('reads a whole address in the request line as its path', async () => {
    const of = async (path: string) =>
      statusOf(await rawHttp(api.url, rawRequest(`GET ${path} HTTP/1.1`, ['Host: localhost'])));
    expect(await of(`${api.url}/health/live`)).toBe(200);
    expect(await of(`${api.url}/v1/kbs`)).toBe(401);
  });

  it.each(['HEAD', 'OPTIONS', 'PUT', 'TRACE', 'PROPFIND'])(
    '%s of what is closed is 401',
    async (method) => {
      const sent = rawRequest(`${method} /v1/kbs HTTP/1.1`, ['Host: localhost']);
      expect(statusOf(await rawHttp(api.url, sent))).toBe(401);
    },
  );

  it('answers 401 before a body is sent', async () => {
    const head =
      'POST /v1/annotate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n';
    expect(statusOf(await rawHttp(api.url, head))).toBe(401);
  });

  it('takes an added key, and refuses a revoked one, within two seconds', async () => {
    const { secret } = file.add('annotate', 'guest');
    const status = async () => (await api.get('/v1/kbs', { headers: bearer(secret) })).status;
    await becomes(status, 200);
    file.revoke('guest');
    await becomes(status, 401);
  });

  it('logs whose key it was, and how long the steps took; never the key', async () => {
    const headers = {
      ...bearer(annotate),
      'Content-Type': 'application/json',
      'X-Request-Id': 'mine',
    };
    await api.post('/v1/annotate', { text: 'Mercury' }, { headers });
    await api.get(`/v1/entities/${annotate}`, {
      headers: { ...bearer(admin), 'X-Request-Id': admin },
    });
    await sleep(20);
    const line = api.log.find((one) => one.includes('"mine"')) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      keyName: 'shop',
      keyId: expect.stringMatching(/^[0-9a-f]{8}$/),
      steps: { detect: expect.any(Number), rerank: expect.any(Number) },
    });
    for (const key of [admin, annotate]) expect(api.log.join('')).not.toContain(key);
  });

  it('counts by route, and makes no new figure of a made-up path', async () => {
    await api.get('/v1/entities/nobody', { headers: bearer(annotate) });
    for (const path of ['/v1/a', '/v1/b', '/wp-login.php']) await api.get(path);
    const text = String((await api.get('/metrics', { headers: bearer(annotate) })).body);
    expect(text).toMatch(
      /requests_total\{method="GET",route="\/v1\/entities\/\{id\}",status="404"\} [1-9]/,
    );
    expect(text).toMatch(/requests_total\{method="GET",route="unknown",status="401"\} [1-9]/);
    expect(text).not.toMatch(/nobody|wp-login/);
    expect(text).toContain('referent_kb_entities{kb="demo"} 2');
    expect(text).toMatch(/referent_documents_total [1-9]/);
  });
});

describe('without keys', () => {
  beforeAll(async () => {
    api = await runningApi({});
  });
  afterAll(() => api.close());

  it.each(['localhost', 'LOCALHOST:3210', '127.0.0.1:1', '[::1]:3210', 'localhost.'])(
    'the host %s is let in',
    async (host) => {
      const sent = rawRequest('GET /v1/kbs HTTP/1.1', [`Host: ${host}`]);
      expect(statusOf(await rawHttp(api.url, sent))).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'localhost.evil.example:3210',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '0.0.0.0',
    '',
  ])('the host %j is refused with 421', async (host) => {
    const answer = await rawHttp(api.url, rawRequest('GET /v1/kbs HTTP/1.1', [`Host: ${host}`]));
    expect(statusOf(answer)).toBe(421);
    expect(answer).toContain('REFERENT_ALLOWED_HOSTS');
  });

  it('looks at every word on the host, also that of the request line', async () => {
    const of = async (line: string, ...headers: string[]) =>
      statusOf(await rawHttp(api.url, rawRequest(line, headers)));
    expect(await of('GET http://evil.example/v1/kbs HTTP/1.1', 'Host: localhost')).toBe(421);
    expect(await of('GET /v1/kbs HTTP/1.1', 'Host: localhost', 'Host: evil.example')).not.toBe(200);
  });

  it("refuses another site's page that sends without a preflight", async () => {
    const of = async (headers: Record<string, string>) =>
      (await api.get('/v1/annotate', { method: 'POST', headers })).status;
    expect(await of({ Origin: 'https://evil.example' })).toBe(403);
    expect(await of({ Origin: 'null' })).toBe(403);
    expect(await of({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await of({ Origin: api.url })).toBe(415);
    expect(await of({})).toBe(415);
  });

  it('answers no preflight', async () => {
    const headers = { Origin: 'https://a.example', 'Access-Control-Request-Method': 'POST' };
    const answer = await api.get('/v1/annotate', { method: 'OPTIONS', headers });
    expect(answer.status).toBe(405);
    expect(answer.headers.has('access-control-allow-origin')).toBe(false);
  });
});

async function becomes(ask: () => Promise<number>, wanted: number): Promise<void> {
  const end = performance.now() + 2_000;
  while ((await ask()) !== wanted && performance.now() < end) await sleep(50);
  expect(await ask()).toBe(wanted);
}
