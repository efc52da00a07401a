import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ReferentError } from '../contract/errors.js';
import { Metrics } from './metrics.js';
import { ProbeServer } from './probe-server.js';

let metrics: Metrics;
let server: ProbeServer;
let isClosed: boolean;
let trouble: ReferentError | null;
const ready = () =>
  trouble === null
    ? Promise.resolve({ status: 'ready' as const, model: 'm', kbs: [], warnings: [] })
    : Promise.reject(trouble);
const owner = (key: string) =>
  key === 'k' ? { id: '1', name: 'n', role: 'annotate' as const } : undefined;
const keys = {
  get isClosed() {
    return isClosed;
  },
  owner,
};
beforeEach(async () => {
  isClosed = false;
  trouble = null;
  metrics = new Metrics();
  const options = { port: 0, host: '127.0.0.1', readiness: { ready }, metrics, keys };
  server = await ProbeServer.listen(options);
});
afterEach(async () => {
  metrics.close();
  await server.close();
});
const get = (path: string, init?: RequestInit) =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init);

it('answers what the API answers there', async () => {
  expect(await (await get('/health/live')).json()).toEqual({ status: 'ok' });
  expect(await (await get('/health/ready')).json()).toMatchObject({ status: 'ready' });
  expect(await (await get('/metrics')).text()).toContain('referent_documents_total');
});

it('is not ready with the reason', async () => {
  trouble = new ReferentError('not-ready', 'Knowledge bases are being opened.');
  const answer = await get('/health/ready');
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: 'not-ready', detail: trouble.message });
});

it('asks for a key of any role once there are keys, for figures only', async () => {
  isClosed = true;
  expect((await get('/metrics')).status).toBe(401);
  expect((await get('/metrics', { headers: { 'X-Api-Key': 'k' } })).status).toBe(200);
  expect((await get('/metrics', { headers: { Authorization: 'bearer k' } })).status).toBe(200);
  const both = { 'X-Api-Key': 'k', Authorization: 'Bearer k' };
  expect((await get('/metrics', { headers: both })).status).toBe(401);
  expect((await get('/health/ready')).status).toBe(200);
});

it('knows nothing else', async () => {
  expect((await get('/')).status).toBe(404);
  expect((await get('/metrics', { method: 'POST' })).status).toBe(405);
});
