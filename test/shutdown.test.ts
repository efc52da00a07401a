import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOMONYMS } from './support/homonyms.js';
import { fillKbs } from './support/running-api.js';
import { ReferentProcess, until, type Running } from './support/referent-process.js';

let folder: string;
let server: Running | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referent-shutdown-'));
  await fillKbs(folder, { demo: HOMONYMS });
});
afterEach(async () => {
  server?.child.kill('SIGKILL');
  await server?.ended;
  rmSync(folder, { recursive: true });
});

interface Got {
  readonly status: number;
  readonly connection: string | undefined;
  readonly body: string;
}

/** One connection that is kept, as a load balancer keeps it. */
function asks(url: string, agent: Agent) {
  return (path: string, body?: object): Promise<Got> =>
    new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/json' };
      const method = body === undefined ? 'GET' : 'POST';
      const sent = request(url + path, { agent, method, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += String(chunk)));
        response.on('end', () => {
          const { connection } = response.headers;
          resolve({ status: response.statusCode ?? 0, connection, body: text });
        });
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

it('is not ready from SIGTERM on, finishes what runs, and ends with 0', async () => {
  const environment = {
    REFERENT_DATA_DIR: folder,
    PORT: '0',
    REFERENT_THREADS: '1',
    REFERENT_SHUTDOWN_MS: '60000',
  };
  const running = new ReferentProcess(environment).start('serve');
  server = running;
  const url = await until(() => /http:\/\/[\d.:]+/.exec(running.output.stdout)?.[0]);
  const ask = asks(url, new Agent({ keepAlive: true, maxSockets: 1 }));
  const other = asks(url, new Agent({ keepAlive: true, maxSockets: 1 }));
  while ((await ask('/health/ready')).status !== 200) await sleep(50);

  const text = 'Mercury met Java in Paris near Amazon. '.repeat(6);
  const long = ask('/v1/annotate', { text, options: { rerank: 'full' } });
  await sleep(150);
  // Its headers have arrived and its body has not: this connection is kept, for a question after the signal.
  const pending = request(`${url}/v1/annotate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Content-Length': '2' },
  });
  const refused = new Promise<number>((resolve, reject) => {
    pending.on('response', (response) => {
      resolve(response.statusCode ?? 0);
      response.resume();
    });
    pending.on('error', reject);
  });
  pending.flushHeaders();
  await sleep(100);
  running.child.kill('SIGTERM');
  await sleep(150);
  await expect(other('/health/live')).rejects.toThrow(/ECONNREFUSED/);
  pending.end('{}');
  expect(await refused).toBe(400);
  const answer = await long;
  expect(answer).toMatchObject({ status: 200, connection: 'close' });
  expect(JSON.parse(answer.body)).toHaveProperty('links');
  expect((await running.ended).code).toBe(0);
}, 120_000);

it('does not wait longer than it may', async () => {
  const environment = {
    REFERENT_DATA_DIR: folder,
    PORT: '0',
    REFERENT_THREADS: '1',
    REFERENT_SHUTDOWN_MS: '500',
  };
  const running = new ReferentProcess(environment).start('serve');
  server = running;
  const url = await until(() => /http:\/\/[\d.:]+/.exec(running.output.stdout)?.[0]);
  const ask = asks(url, new Agent({ keepAlive: true }));
  while ((await ask('/health/ready')).status !== 200) await sleep(50);
  const documents = Array.from({ length: 100 }, (_, at) => ({
    id: String(at),
    text: 'Mercury met Java in Paris. '.repeat(5),
  }));
  const long = ask('/v1/annotate', { documents, options: { rerank: 'full' } });
  long.catch(() => undefined);
  await sleep(200);
  const since = performance.now();
  running.child.kill('SIGTERM');
  expect((await running.ended).code).toBe(0);
  expect(performance.now() - since).toBeLessThan(15_000);
}, 120_000);
