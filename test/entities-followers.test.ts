import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { annotateTextResponse } from '../libs/contract/responses.js';
import { createApi, type Api } from '../apps/api/create-api.js';
import { JsonLog } from '../apps/api/http/json-log.js';
import { parseSettings } from '../libs/config/settings.js';
import { HOMONYMS } from './support/homonyms.js';
import { runningApi, type RunningApi } from './support/running-api.js';

/** Two servers over the same data: each with a catalog, a model and views of its own. */
let one: RunningApi;
let another: Api;
let anotherUrl = '';

async function startAnother(): Promise<{ api: Api; url: string }> {
  const env = { PORT: '0', REFERENT_DATA_DIR: one.dataDir, REFERENT_THREADS: '1' };
  const api = await createApi(parseSettings(env), new JsonLog('silent'));
  const url = await api.listen();
  while (!(await fetch(`${url}/health/ready`)).ok) await pause(20);
  return { api, url };
}

beforeAll(async () => {
  one = await runningApi({ demo: HOMONYMS }, { REFERENT_THREADS: '1' });
  ({ api: another, url: anotherUrl } = await startAnother());
}, 60_000);
afterAll(async () => {
  await another.close();
  await one.close();
});

const pause = (milliseconds: number) =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

const json = { 'Content-Type': 'application/json' };

async function put(id: string, title: string): Promise<void> {
  const body = JSON.stringify({ title, description: 'Of the second row.' });
  const answer = await fetch(`${one.url}/v1/entities/${id}`, {
    method: 'PUT',
    headers: json,
    body,
  });
  expect(answer.status).toBe(201);
}

/** Whether the name is detected in a text and may be the entity, at the server of that address. */
async function isLinked(url: string, id: string, name: string): Promise<boolean> {
  const text = `Nobody has heard of ${name} since.`;
  const options = { minConfidence: 0, rerank: 'none' };
  const body = JSON.stringify({ text, options });
  const answer = await fetch(`${url}/v1/annotate`, { method: 'POST', headers: json, body });
  const { links } = annotateTextResponse.parse(await answer.json());
  return links.some(({ entityId }) => entityId === id);
}

/** Milliseconds until it is so. */
async function until(condition: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await condition())) {
    if (performance.now() - began > 5_000) throw new Error('it did not come to that in 5 s');
    await pause(10);
  }
  return performance.now() - began;
}

describe('a second server', () => {
  it('links within a second what was put at the first, and no more what was deleted there', async () => {
    await put('zorvan', 'Zorvanqel');
    expect(await isLinked(one.url, 'zorvan', 'Zorvanqel')).toBe(true);
    expect(await until(() => isLinked(anotherUrl, 'zorvan', 'Zorvanqel'))).toBeLessThan(1_000);
    await fetch(`${one.url}/v1/entities/zorvan`, { method: 'DELETE' });
    expect(await isLinked(one.url, 'zorvan', 'Zorvanqel')).toBe(false);
    const gone = async () => !(await isLinked(anotherUrl, 'zorvan', 'Zorvanqel'));
    expect(await until(gone)).toBeLessThan(1_000);
  }, 30_000);

  it('that starts while the first writes misses nothing', async () => {
    const stop = new AbortController();
    let written = 0;
    const writing = (async () => {
      while (!stop.signal.aborted) {
        await put(`late-${written}`, `Quellimdra ${written}`);
        written++;
      }
    })();
    const late = await startAnother();
    stop.abort();
    await writing;
    expect(written).toBeGreaterThan(3);
    await pause(1_000);
    for (let at = 0; at < written; at++) {
      expect([at, await isLinked(late.url, `late-${at}`, `Quellimdra ${at}`)]).toEqual([at, true]);
    }
    await late.api.close();
  }, 60_000);
});
