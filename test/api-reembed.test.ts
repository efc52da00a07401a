import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityRecord } from '../libs/contract/entity.js';
import { entityRecord } from '../libs/contract/entity.js';
import { kbModels, modelsResponse, type KbModels } from '../libs/contract/models-api.js';
import { annotateTextResponse } from '../libs/contract/responses.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { HOMONYMS } from './support/homonyms.js';
import { modelsFolder, type ModelsFolder } from './support/models-folder.js';
import { ReferentProcess, until, type Running } from './support/referent-process.js';
import { runningApi, type RunningApi } from './support/running-api.js';

const PLACES = Array.from({ length: 400 }, (_, at) =>
  entityRecord.parse({
    id: `place/${at}`,
    title: `Harbour ${at} of Springfield`,
    description: `The harbour with the number ${at} in the old town, known for its market and its stone bridge.`,
  }),
);
const TEXT = 'Mercury is the smallest planet of the Solar System.';
const ASKED = {
  text: TEXT,
  mentions: [{ start: 0, end: 7 }],
  kb: 'demo',
  options: { candidates: 2, rerank: 'none', minConfidence: 0 },
};

let models: ModelsFolder;
let api: RunningApi;
beforeAll(async () => {
  models = await modelsFolder('second');
  const env = { REFERENT_MODELS_DIR: models.modelsDir, REFERENT_THREADS: '1' };
  api = await runningApi({ demo: [...HOMONYMS, ...PLACES], other: HOMONYMS.slice(0, 4) }, env);
});
afterAll(async () => {
  await api.close();
  await models.remove();
});

const reembed = (model: string, kb = 'demo') => api.post(`/v1/kbs/${kb}/reembed`, { model });
const state = async (kb = 'demo'): Promise<KbModels> =>
  kbModels.parse((await api.get(`/v1/kbs/${kb}/reembed`)).body);

async function ended(kb = 'demo'): Promise<KbModels> {
  for (;;) {
    const now = await state(kb);
    if (now.reembedding === null || now.reembedding.state === 'stopped') return now;
    await sleep(50);
  }
}

/** What one answer says: of which model, and how near its best candidate is. */
interface Seen {
  readonly release: string;
  readonly entityId: string | null | undefined;
  readonly cosine: number;
}

async function asked(url: string): Promise<Seen> {
  const response = await fetch(`${url}/v1/annotate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(ASKED),
  });
  expect(response.status).toBe(200);
  const { links, versions } = annotateTextResponse.parse(await response.json());
  const [link] = links;
  const planet = link?.candidates?.find(({ entityId }) => entityId === 'mercury-planet');
  return { release: versions.model, entityId: link?.entityId, cosine: planet?.cosine ?? NaN };
}

/** Clients that ask again and again until they are told to stop. */
class Clients {
  readonly seen: Seen[] = [];
  private going = true;
  private readonly loops: Promise<void>[];

  constructor(urls: readonly string[], count: number) {
    this.loops = Array.from({ length: count }, (_, at) => this.loop(urls[at % urls.length] ?? ''));
  }

  async stop(): Promise<readonly Seen[]> {
    this.going = false;
    await Promise.all(this.loops);
    return this.seen;
  }

  private async loop(url: string): Promise<void> {
    while (this.going) this.seen.push(await asked(url));
  }
}

describe('a KB that is re-embedded while clients annotate and entities change', () => {
  let second: Running;
  let secondUrl: string;
  beforeAll(async () => {
    const environment = {
      ...{ REFERENT_DATA_DIR: api.dataDir, REFERENT_MODELS_DIR: models.modelsDir },
      ...{ PORT: '0', REFERENT_THREADS: '1' },
    };
    second = new ReferentProcess(environment).start('serve');
    secondUrl = await until(() => {
      if (second.child.exitCode !== null) throw new Error(second.output.stderr);
      return /listens on (http:\S+)/.exec(second.output.stdout)?.[1];
    });
    while (!(await fetch(`${secondUrl}/health/ready`)).ok) await sleep(50);
  }, 60_000);
  afterAll(async () => {
    second.child.kill('SIGTERM');
    await second.ended;
  });

  it('answers every request, each from one model and its index, in both processes', async () => {
    const before = await asked(api.url);
    const clients = new Clients([api.url, secondUrl], 8);
    const followed = followedBy(secondUrl, before.release);
    const begun = await reembed('second');
    expect(begun.status).toBe(202);
    expect(kbModels.parse(begun.body)).toMatchObject({
      active: { names: ['referent-v1'] },
      reembedding: { model: 'second', state: 'running', problem: null },
    });
    const written = await entitiesComeAndGo();
    expect(await ended()).toMatchObject({
      active: { names: ['second'] },
      previous: { names: ['referent-v1'] },
    });
    const delayMs = await followed;
    await sleep(500);
    const seen = await clients.stop();

    expect(delayMs).toBeLessThan(5_000);
    expect(seen.length).toBeGreaterThan(50);
    expect(new Set(seen.map(({ entityId }) => entityId))).toEqual(new Set(['mercury-planet']));
    const after = await asked(api.url);
    expect(after.release).not.toBe(before.release);
    expect(Math.abs(after.cosine - before.cosine)).toBeGreaterThan(0.02);
    for (const { release, cosine } of seen) {
      const expected = release === before.release ? before.cosine : after.cosine;
      expect([before.release, after.release]).toContain(release);
      expect(Math.abs(cosine - expected)).toBeLessThan(0.005);
    }
    expect(new Set(seen.map(({ release }) => release)).size).toBe(2);
    for (const url of [api.url, secondUrl]) await expectAsWritten(url, written);
  }, 300_000);

  it('goes back to the model before, with what was written since', async () => {
    const made = await put(entityRecord.parse({ id: 'since', title: 'Quexhaven' }));
    expect(made).toBe(201);
    const begun = await api.post('/v1/kbs/demo/rollback', undefined);
    expect(begun.status).toBe(202);
    expect(await ended()).toMatchObject({
      active: { names: ['referent-v1'] },
      previous: { names: ['second'] },
      reembedding: null,
    });
    await sleep(2_000);
    for (const url of [api.url, secondUrl]) {
      expect(await linkedIn(url, 'The ship lies in Quexhaven.')).toContain('since');
    }
    expect((await asked(api.url)).release).toBe((await asked(secondUrl)).release);
  }, 60_000);
});

/** How long after the model became active the process at `url` answers with it. */
async function followedBy(url: string, old: string): Promise<number> {
  const catalog = new SqliteCatalog({ dataDir: api.dataDir });
  const store = await catalog.open('demo');
  const isActive = async () => {
    const { activeModel } = await store.info();
    return activeModel !== null && !old.startsWith(activeModel);
  };
  while (!(await isActive())) await sleep(10);
  const at = performance.now();
  await catalog.close();
  while ((await asked(url)).release === old) await sleep(10);
  return performance.now() - at;
}

interface Written {
  readonly present: readonly string[];
  readonly absent: readonly string[];
}

/** Adds, edits and deletes entities until the re-embedding has ended; gives the names that must link, and must not. */
async function entitiesComeAndGo(): Promise<Written> {
  const present: string[] = [];
  const absent: string[] = [];
  for (let at = 0; (await state()).reembedding !== null; at++) {
    const name = nameOf(at);
    expect(await put(entityRecord.parse({ id: `new/${at}`, title: name }))).toBe(201);
    if (at % 3 === 1) {
      const edited = `${name} Minor`;
      expect(await put(entityRecord.parse({ id: `new/${at}`, title: edited }))).toBe(200);
      present.push(edited);
    } else if (at % 3 === 2) {
      const path = `/v1/entities/${encodeURIComponent(`new/${at}`)}?kb=demo`;
      expect((await api.get(path, { method: 'DELETE' })).status).toBe(204);
      absent.push(name);
    } else present.push(name);
  }
  expect(present.length).toBeGreaterThan(3);
  return { present, absent };
}

const SYLLABLES = ['ba', 'ko', 'zu', 'ri', 'me', 'tyl', 'vor', 'nax', 'qui', 'hesh'];
const nameOf = (at: number) =>
  `Xan${Array.from(String(at), (digit) => SYLLABLES[Number(digit)] ?? '').join('')}`;

async function put(record: EntityRecord): Promise<number> {
  const path = `/v1/entities/${encodeURIComponent(record.id)}?kb=demo`;
  const headers = { 'Content-Type': 'application/json' };
  const { status } = await api.get(path, { method: 'PUT', headers, body: JSON.stringify(record) });
  return status;
}

async function linkedIn(url: string, text: string): Promise<(string | null)[]> {
  const response = await fetch(`${url}/v1/annotate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text, kb: 'demo', options: { minConfidence: 0 } }),
  });
  expect(response.status).toBe(200);
  return annotateTextResponse.parse(await response.json()).links.map(({ entityId }) => entityId);
}

/** How many there are depends on the machine; so many of the last are looked at. */
const LOOKED_AT = 30;

async function expectAsWritten(url: string, { present, absent }: Written): Promise<void> {
  for (const name of present.slice(-LOOKED_AT)) {
    const links = await linkedIn(url, `They sailed to ${name} in the morning.`);
    expect([name, links.some((id) => id?.startsWith('new/'))]).toEqual([name, true]);
  }
  for (const name of absent.slice(-LOOKED_AT)) {
    const path = `/v1/entities?kb=demo&q=${encodeURIComponent(name)}`;
    const { entities } = (await (await fetch(url + path)).json()) as { entities: EntityRecord[] };
    expect(entities.filter(({ title }) => title === name)).toEqual([]);
  }
}

describe('re-embedding over HTTP', () => {
  it('lists the models, and which KBs are searched with them', async () => {
    const { status, body } = await api.get('/v1/models');
    expect(status).toBe(200);
    const listed = modelsResponse.parse(body).models;
    expect(listed.map(({ name, isDefault }) => [name, isDefault])).toEqual([
      ['referent-v1', true],
      ['second', false],
    ]);
    expect(listed.find(({ isDefault }) => isDefault)?.kbs).toContain('other');
  });

  it.each([
    ['POST', '/v1/kbs/none/reembed', { model: 'second' }, 404, 'kb-not-found'],
    ['POST', '/v1/kbs/other/reembed', { model: 'third' }, 400, 'invalid-input'],
    ['POST', '/v1/kbs/other/reembed', { model: '../second' }, 400, 'invalid-input'],
    ['POST', '/v1/kbs/other/reembed', {}, 400, 'invalid-input'],
    ['POST', '/v1/kbs/other/reembed', { model: 'second', force: true }, 400, 'invalid-input'],
    ['POST', '/v1/kbs/other/rollback', undefined, 400, 'invalid-input'],
    ['GET', '/v1/kbs/none/reembed', undefined, 404, 'kb-not-found'],
    ['DELETE', '/v1/kbs/..%2Fx/reembed', undefined, 400, 'invalid-input'],
  ])('%s %s with %j is answered %i', async (method, path, body, status, code) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    expect(await api.get(path, { method, headers, ...sent })).toMatchObject({
      status,
      body: { code },
    });
  });

  it('can be cancelled, and asked for again', async () => {
    expect((await reembed('second', 'other')).status).toBe(202);
    const cancelled = await api.get('/v1/kbs/other/reembed', { method: 'DELETE' });
    expect(kbModels.parse(cancelled.body)).toMatchObject({ reembedding: null });
    await reembed('second', 'other');
    expect(await ended('other')).toMatchObject({ active: { names: ['second'] } });
  }, 60_000);

  it('has nothing to do for the model that the KB has', async () => {
    const { status, body } = await reembed('second', 'other');
    expect([status, kbModels.parse(body).reembedding]).toEqual([202, null]);
  });
});
