import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Queue } from 'bullmq';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyFile } from '../libs/access/key-file.js';
import { rawHttp, rawRequest, statusOf } from './support/raw-http.js';
import { runningApi, type RunningApi } from './support/running-api.js';
import { sharedRedis, uniqueName } from './support/services.js';

const folder = mkdtempSync(join(tmpdir(), 'referent-board-'));
const file = new KeyFile(join(folder, 'api-keys.json'));
const admin = file.add('admin').secret;
const annotate = file.add('annotate').secret;
const basic = (key: string) => ({
  Authorization: `Basic ${Buffer.from(`me:${key}`).toString('base64')}`,
});

let api: RunningApi;
let queue: Queue;
beforeAll(async () => {
  const prefix = uniqueName();
  api = await runningApi(
    {},
    {
      REFERENT_KEYS_FILE: file.path,
      REDIS_URL: sharedRedis(),
      REFERENT_QUEUE_PREFIX: prefix,
    },
  );
  const { hostname: host, port } = new URL(sharedRedis());
  queue = new Queue('publish', { connection: { host, port: Number(port) }, prefix });
});
afterAll(async () => {
  await queue.obliterate({ force: true });
  await queue.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

describe('the board', () => {
  it('asks a browser for a key, its own way', async () => {
    const { status, headers } = await api.get('/admin/queues');
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toMatch(/^Basic realm="Referent"/);
  });

  it.each([
    '/admin/queues',
    '/admin/queues/',
    '/ADMIN/Queues',
    '/admin/queues/api/queues',
    '/admin/queues/static/../api/queues',
  ])('%s is for admins', async (path) => {
    const of = async (key: string) => {
      const headers = ['Host: x', `Authorization: ${basic(key).Authorization}`];
      return statusOf(await rawHttp(api.url, rawRequest(`GET ${path} HTTP/1.1`, headers)));
    };
    expect([401, 403]).toContain(await of(annotate));
    expect(await of(`rk_${'A'.repeat(43)}`)).toBe(401);
  });

  it('loads nothing from other hosts', async () => {
    const { status, body, headers } = await api.get('/admin/queues', { headers: basic(admin) });
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    expect(headers.has('x-powered-by')).toBe(false);
    const page = String(body);
    const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, at]) => at ?? '');
    expect(sources.length).toBeGreaterThan(4);
    expect(sources.filter((source) => /^(https?:)?\/\//.test(source))).toEqual([]);
    expect(page).not.toMatch(/googleapis/);
    for (const source of sources.filter((one) => one.startsWith('static/'))) {
      const asset = await api.get(`/admin/queues/${source}`, { headers: basic(admin) });
      expect(asset.status).toBe(200);
      expect(String(asset.body)).not.toMatch(/@import|url\(["']?(?:https?:)?\/\//);
    }
  });

  it('shows the queues to an admin', async () => {
    const { body } = await api.get('/admin/queues/api/queues', {
      headers: { Authorization: `Bearer ${admin}` },
    });
    expect(JSON.stringify(body)).toMatch(/"name":"rerank"/);
  });

  it('acts for its own page, and not for that of another site', async () => {
    await queue.add('publish', { kb: 'demo', task: 'compact' }, { delay: 3_600_000 });
    const clean = async (headers: Record<string, string>) =>
      (
        await api.get('/admin/queues/api/queues/publish/pause', {
          method: 'PUT',
          headers: { ...basic(admin), ...headers },
        })
      ).status;
    expect(await clean({ Origin: 'https://evil.example' })).toBe(403);
    expect(await clean({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await queue.isPaused()).toBe(false);
    expect(await clean({ Origin: api.url, 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
    expect(await queue.isPaused()).toBe(true);
  });

  it('is counted among the queues in the metrics', async () => {
    const { body } = await api.get('/metrics', { headers: { 'X-Api-Key': annotate } });
    expect(String(body)).toContain('referent_queue_up 1');
    expect(String(body)).toMatch(/referent_queue_jobs\{queue="publish",state="waiting"\} 1/);
    expect(String(body)).toMatch(/route="\/admin\/queues"/);
  });
});
