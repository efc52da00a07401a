import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { annotateTextResponse, feedbackResponse } from '../libs/contract/responses.js';
import { problem } from '../libs/contract/problem.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { HOMONYMS } from './support/homonyms.js';
import { runningApi, type RunningApi } from './support/running-api.js';

const TEXT = '🙂 The swift messenger was late again.';
const span = { start: 7, end: 22 };
const GOD = { text: TEXT, mentions: [{ ...span, entityId: 'mercury-god' }] };

let api: RunningApi;
beforeAll(async () => {
  api = await runningApi({ demo: HOMONYMS });
});
afterAll(() => api.close());

/** As another process would. */
async function inStore<T>(work: (catalog: SqliteCatalog) => Promise<T>): Promise<T> {
  const catalog = new SqliteCatalog({ dataDir: api.dataDir });
  try {
    return await work(catalog);
  } finally {
    await catalog.close();
  }
}

const forget = () => inStore(async (catalog) => (await catalog.open('demo')).learned.forget());

async function send(body: object) {
  const { status, body: answer } = await api.post('/v1/feedback', body);
  expect(status).toBe(200);
  return feedbackResponse.parse(answer);
}

/** The first candidate for `swift messenger`, with its prior. */
async function best(options: object = {}) {
  const body = { text: TEXT, mentions: [span], options: { candidates: 1, ...options } };
  const answer = await api.post('/v1/annotate', body);
  const [link] = annotateTextResponse.parse(answer.body).links;
  const { entityId, prior, priorMentions } = link?.candidates?.[0] ?? {};
  return { entityId, prior, priorMentions };
}

describe('POST /v1/feedback', () => {
  beforeEach(async () => {
    await forget();
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // within which the server has noticed
  });

  it('teaches a name at once, with how often it means what', async () => {
    expect(await best()).toMatchObject({ prior: null, priorMentions: 0 });
    expect(await send(GOD)).toMatchObject({ learned: true, mentions: 1, kb: { name: 'demo' } });
    expect(await best()).toEqual({ entityId: 'mercury-god', prior: 0.5, priorMentions: 1 });
  });

  it('lets the name be detected in other texts, from the answer on', async () => {
    const text = 'Here comes the swift messenger with the post.';
    const names = async () => {
      const { body } = await api.post('/v1/mentions', { text });
      const { mentions } = body as { mentions: { surface: string; source: string }[] };
      return mentions.filter(({ source }) => source === 'gazetteer').map(({ surface }) => surface);
    };
    expect(await names()).not.toContain('swift messenger');
    await send(GOD);
    expect(await names()).toContain('swift messenger');
  });

  it('is ignored where an annotation is asked for without priors', async () => {
    await send(GOD);
    expect(await best({ priors: false })).toMatchObject({ prior: null, priorMentions: 0 });
  });

  it('counts the same content once, and the same id once whatever it holds', async () => {
    expect(await send(GOD)).toMatchObject({ learned: true });
    expect(await send(GOD)).toMatchObject({ learned: false, mentions: 0 });
    expect(await send({ ...GOD, id: 'ticket-1' })).toMatchObject({ learned: true });
    const nil = { text: TEXT, mentions: [{ ...span, entityId: null }], id: 'ticket-1' };
    expect(await send(nil)).toMatchObject({ learned: false });
    expect(await best()).toMatchObject({ prior: 0.666667, priorMentions: 2 });
  });

  it('takes offsets in code points', async () => {
    const mentions = [{ start: 6, end: 21, entityId: 'mercury-god' }];
    await send({ text: TEXT, mentions, options: { offsetUnit: 'codepoint' } });
    expect(await best()).toMatchObject({ entityId: 'mercury-god', priorMentions: 1 });
  });

  it('counts what is unmarked only where it is told that all mentions are marked', async () => {
    const about = { text: `${TEXT} Mercury it was.`, mentions: GOD.mentions };
    const seen = () =>
      inStore(async (catalog) => (await catalog.open('demo')).learned.surfaces(['mercury']));
    await send(about);
    expect((await seen()).size).toBe(0);
    await send({ ...about, id: 'whole', options: { partial: false } });
    expect((await seen()).get('mercury')).toEqual({ seen: 1, marked: 0, mentions: 0 });
  });

  it('is taken while an import stages, and refused as busy while one becomes visible', async () => {
    const told = await inStore(async (catalog) => {
      const { imports } = await catalog.open('demo');
      await imports.begin();
      await imports.add(HOMONYMS.slice(0, 1));
      await send({ ...GOD, id: 'while-staging' });
      await imports.preview();
      const answer = await api.post('/v1/feedback', { ...GOD, id: 'while-publishing' });
      await imports.discard();
      return answer;
    });
    expect([told.status, problem.parse(told.body).code]).toEqual([429, 'busy']);
    expect(told.headers.get('retry-after')).toBe('1');
  });
});

interface Bad {
  readonly name: string;
  readonly body: object;
  readonly status?: number;
  readonly pointer: string;
  readonly detail: RegExp;
}

const mention = (more: object) => ({ text: TEXT, mentions: [{ ...span, entityId: null }, more] });

const BAD: readonly Bad[] = [
  { name: 'a span beyond the text', body: mention({ start: 0, end: 99, entityId: null }), pointer: '/mentions/1', detail: /outside the text/ },
  { name: 'a cut surrogate pair', body: mention({ start: 1, end: 9, entityId: null }), pointer: '/mentions/1', detail: /surrogate pair/ },
  { name: 'an entity that there is not', body: mention({ start: 0, end: 9, entityId: 'zeus' }), pointer: '/mentions/1/entityId', detail: /is "zeus": the knowledge base "demo" has no such entity/ },
  { name: 'a mention without its entity', body: mention({ start: 0, end: 9 }), pointer: '/mentions/1/entityId', detail: /is required/ },
  { name: 'no mentions', body: { text: TEXT }, pointer: '/mentions', detail: /is required/ },
  { name: 'an unknown field', body: { ...GOD, documents: [] }, pointer: '', detail: /unknown field "documents"/ },
  { name: 'a text too long', body: { text: 'a'.repeat(200_001), mentions: [] }, status: 413, pointer: '/text', detail: /REFERENT_MAX_TEXT_CHARS/ },
  { name: 'too many mentions', body: { text: TEXT, mentions: Array(1_001).fill(0) }, status: 413, pointer: '/mentions', detail: /REFERENT_MAX_MENTIONS/ },
]; // prettier-ignore

describe('feedback that cannot be learned', () => {
  beforeAll(forget);

  it.each(BAD)('$name is told with its place', async ({ body, status = 400, pointer, detail }) => {
    const answer = await api.post('/v1/feedback', body);
    const told = problem.parse(answer.body);
    expect([answer.status, told.errors?.[0]?.pointer]).toEqual([status, pointer]);
    expect(told.detail).toMatch(detail);
  });

  it('teaches nothing', async () => {
    const totals = await inStore(async (catalog) => (await catalog.open('demo')).learned.totals());
    expect(totals).toEqual({ documents: 0, mentions: 0, surfaces: 0 });
  });
});
