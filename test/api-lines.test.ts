import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { request, type ClientRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyFile } from '../libs/access/key-file.js';
import { HOMONYMS } from './support/homonyms.js';
import { runningApi, type RunningApi } from './support/running-api.js';

let api: RunningApi;
afterEach(() => api.close());

interface Upload {
  readonly sent: ClientRequest;
  readonly status: Promise<number>;
}

/** An upload that goes on until it is ended. */
function upload(url: string): Upload {
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const sent = request(`${url}/v1/jobs`, { method: 'POST', headers });
  const status = new Promise<number>((resolve) => {
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', () => {
      resolve(0);
    });
  });
  sent.flushHeaders();
  return { sent, status };
}

describe('uploads', () => {
  it('leave interactive requests their places, and are refused beyond their own', async () => {
    api = await runningApi(
      { demo: HOMONYMS },
      { REFERENT_MAX_UPLOADS: '2', REFERENT_MAX_CONCURRENT: '1', REFERENT_MAX_WAITING: '0' },
    );
    const uploads = [upload(api.url), upload(api.url)];
    await sleep(200);
    expect(await upload(api.url).status).toBe(429);
    expect((await api.post('/v1/annotate', { text: 'Mercury' })).status).toBe(200);
    for (const { sent } of uploads) sent.end('{"id":"a","text":"Mercury"}\n');
    expect(await Promise.all(uploads.map(({ status }) => status))).toEqual([202, 202]);
  });

  it('may last longer than other requests while they send, and are given up when they do not', async () => {
    api = await runningApi({ demo: HOMONYMS }, { REFERENT_REQUEST_TIMEOUT_MS: '400' });
    const busy = upload(api.url);
    const idle = upload(api.url);
    for (let at = 0; at < 10; at += 1) {
      busy.sent.write(`{"id":"${at}","text":"Java"}\n`);
      await sleep(120);
    }
    busy.sent.end();
    expect(await busy.status).toBe(202);
    expect(await idle.status).toBe(408);
  });
});

describe('log lines', () => {
  let key: string;
  beforeEach(async () => {
    api = await runningApi({ demo: HOMONYMS });
    key = new KeyFile(`${api.dataDir}/api-keys.json`).add('admin').secret;
    const headers = { 'X-Api-Key': key };
    while ((await api.get('/v1/kbs')).status !== 401) await sleep(50);
    expect((await api.get('/v1/kbs', { headers })).status).toBe(200);
  });

  it('never hold a text or a key, wherever they are sent', async () => {
    const word = fc.stringMatching(/^[a-z]{12}$/);
    const place = fc.constantFrom(
      'text',
      'broken',
      'query',
      'field',
      'line',
      'path',
      'id',
      'basic',
    );
    await fc.assert(
      fc.asyncProperty(word, place, fc.boolean(), async (secret, where, withKey) => {
        const told = where === 'path' || where === 'id' ? key : secret;
        await send(told, where, withKey);
        await sleep(5);
        const log = api.log.join('');
        expect(log).not.toContain(key);
        expect(log).not.toContain(secret);
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  function send(secret: string, where: string, withKey: boolean): Promise<unknown> {
    const credentials = withKey ? { Authorization: `Bearer ${key}` } : {};
    const headers = { 'Content-Type': 'application/json', ...credentials };
    const post = (body: unknown) => api.post('/v1/annotate', body, { headers });
    if (where === 'text') return post({ text: `${secret} Mercury` });
    if (where === 'broken') return post(`{"text": ${secret}`);
    if (where === 'field') return post({ text: '', [secret]: 1 });
    if (where === 'query') return api.get(`/v1/entities?q=${secret}`, { headers });
    if (where === 'path') return api.get(`/v1/entities/${secret}`, { headers });
    if (where === 'id')
      return api.get('/v1/kbs', { headers: { ...headers, 'X-Request-Id': secret } });
    if (where === 'basic') {
      const basic = `Basic ${Buffer.from(`${secret}:${key}`).toString('base64')}`;
      return api.get('/admin/queues', { headers: { Authorization: basic } });
    }
    const lines = { ...headers, 'Content-Type': 'application/x-ndjson' };
    return api.post('/v1/jobs', `{"id":"a","text":"${secret}"}\n`, { headers: lines });
  }
});
