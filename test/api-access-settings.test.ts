import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyFile } from '../libs/access/key-file.js';
import { rawHttp, rawRequest, statusOf } from './support/raw-http.js';
import { runningApi, type RunningApi } from './support/running-api.js';

const folder = mkdtempSync(join(tmpdir(), 'referent-access-'));
const file = new KeyFile(join(folder, 'api-keys.json'));
const admin = file.add('admin', 'root').secret;
const annotate = file.add('annotate', 'shop').secret;
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let api: RunningApi;
const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

describe('settings of access', () => {
  afterEach(() => api.close());
  const start = async (env: Record<string, string>) => (api = await runningApi({}, env));
  const origin = 'https://a.example';

  it('lets pages of the given origins in, problems and preflights included', async () => {
    await start({
      REFERENT_CORS_ORIGINS: `${origin},http://b.example:8080`,
      REFERENT_KEYS_FILE: file.path,
    });
    const asked = {
      Origin: origin,
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'authorization',
    };
    const preflight = await api.get('/v1/annotate', { method: 'OPTIONS', headers: asked });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/Authorization/);
    expect(preflight.headers.get('access-control-allow-methods')).toMatch(/PUT/);
    const refused = await api.get('/v1/kbs', { headers: { Origin: origin } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(origin);
    expect(refused.headers.get('access-control-expose-headers')).toMatch(/ETag.*Retry-After/);
    expect(refused.headers.get('vary')).toMatch(/Origin/);
    expect(refused.headers.has('access-control-allow-credentials')).toBe(false);
    const other = await api.get('/v1/kbs', { headers: { Origin: `${origin}.evil.example` } });
    expect(other.headers.has('access-control-allow-origin')).toBe(false);
    expect(other.headers.get('vary')).toMatch(/Origin/);
  });

  it('takes names of hosts from the settings', async () => {
    await start({ REFERENT_ALLOWED_HOSTS: 'linker.example' });
    const of = async (host: string) =>
      statusOf(await rawHttp(api.url, rawRequest('GET /v1/kbs HTTP/1.1', [`Host: ${host}`])));
    expect(await of('Linker.example:443')).toBe(200);
    expect(await of('localhost')).toBe(200);
    expect(await of('other.example')).toBe(421);
  });

  it('answers 429 with Retry-After over the rate, by key, before a body is read', async () => {
    await start({
      REFERENT_RATE_PER_MINUTE: '6',
      REFERENT_RATE_BURST: '2',
      REFERENT_KEYS_FILE: file.path,
    });
    const of = (key: string) => api.get('/v1/kbs', { headers: bearer(key) });
    expect([(await of(annotate)).status, (await of(annotate)).status]).toEqual([200, 200]);
    const refused = await of(annotate);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ code: 'rate-limited' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit-policy')).toBe('"default";q=6;w=60');
    expect((await of(admin)).status).toBe(200);
    expect((await api.get('/health/live')).status).toBe(200);
    const head = `POST /v1/annotate HTTP/1.1\r\nHost: x\r\nX-Api-Key: ${annotate}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`;
    expect(statusOf(await rawHttp(api.url, head))).toBe(429);
    expect(String((await of(admin)).status)).toBe('200');
  });

  it('counts guessed keys against the address', async () => {
    await start({
      REFERENT_RATE_PER_MINUTE: '6',
      REFERENT_RATE_BURST: '3',
      REFERENT_KEYS_FILE: file.path,
    });
    const guesses = [];
    for (let at = 0; at < 6; at += 1) {
      const key = `rk_${String(at).padStart(43, 'A')}`;
      guesses.push((await api.get('/v1/kbs', { headers: bearer(key) })).status);
    }
    expect(guesses).toEqual([401, 401, 401, 429, 429, 429]);
    expect((await api.get('/v1/kbs', { headers: bearer(annotate) })).status).toBe(200);
  });

  it('gives up a body that comes too slowly, and its place in the line', async () => {
    await start({
      REFERENT_REQUEST_TIMEOUT_MS: '300',
      REFERENT_MAX_CONCURRENT: '1',
      REFERENT_MAX_WAITING: '0',
    });
    const head =
      'POST /v1/annotate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
    const slow = rawHttp(api.url, head, 3_000);
    await sleep(100);
    expect((await api.post('/v1/annotate', { text: '' })).status).toBe(429);
    expect(statusOf(await slow)).toBe(408);
    expect((await api.post('/v1/annotate', { text: '' })).status).toBe(503);
  });
});

describe('a start without what it takes', () => {
  let own: KeyFile;
  beforeEach(() => {
    own = new KeyFile(join(mkdtempSync(join(folder, 'own-')), 'keys.json'));
  });
  const start = (env: Record<string, string>) =>
    runningApi({}, { REFERENT_KEYS_FILE: own.path, ...env });

  it('is refused beyond loopback without a key', async () => {
    await expect(start({ REFERENT_HOST: '0.0.0.0' })).rejects.toThrow(/referent keys add/);
  });

  it('is refused beyond loopback when the last key was revoked', async () => {
    own.add('admin', 'me');
    own.revoke('me');
    await expect(start({ REFERENT_HOST: '0.0.0.0' })).rejects.toThrow(/referent keys add/);
  });

  it('works beyond loopback with a key, under any name', async () => {
    const { secret } = own.add('annotate');
    api = await start({ REFERENT_HOST: '0.0.0.0' });
    const of = async (...headers: string[]) => {
      const sent = rawRequest('GET /v1/kbs HTTP/1.1', ['Host: linker.example', ...headers]);
      return statusOf(await rawHttp(api.url.replace('0.0.0.0', '127.0.0.1'), sent));
    };
    expect(await of()).toBe(401);
    expect(await of(`X-Api-Key: ${secret}`)).toBe(200);
    await api.close();
  });
});
