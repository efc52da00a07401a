import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { annotateTextResponse, entityResponse } from '../libs/contract/responses.js';
import { entityWriteResponse } from '../libs/contract/entity-writes.js';
import { problem } from '../libs/contract/problem.js';
import { HOMONYMS } from './support/homonyms.js';
import { runningApi, type Answer, type RunningApi } from './support/running-api.js';

let api: RunningApi;
beforeAll(async () => {
  api = await runningApi({ demo: HOMONYMS }, { REFERENT_THREADS: '1' });
});
afterAll(() => api.close());

type Headers = Readonly<Record<string, string>>;

function send(method: string, id: string, body?: unknown, headers: Headers = {}): Promise<Answer> {
  return api.get(`/v1/entities/${encodeURIComponent(id)}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

const etag = ({ headers }: Answer): string => headers.get('etag') ?? '';

async function get(id: string) {
  const answer = await send('GET', id);
  expect(answer.status).toBe(200);
  return { ...entityResponse.parse(answer.body), etag: etag(answer) };
}

/** Ids of the links of a text whose mentions are detected. */
async function linked(text: string): Promise<(string | null)[]> {
  const options = { minConfidence: 0 };
  const { body } = await api.post('/v1/annotate', { text, options });
  return annotateTextResponse.parse(body).links.map(({ entityId }) => entityId);
}

const codeOf = ({ body }: Answer) => problem.parse(body).code;

describe('PUT /v1/entities/:id', () => {
  it('creates with 201, a tag and a place; changes with 200; says when nothing changed', async () => {
    const made = await send('PUT', 'a/b ü', { title: 'Slash' });
    expect(made.status).toBe(201);
    expect(etag(made)).toMatch(/^"[0-9a-f]{32}"$/);
    expect(made.headers.get('location')).toBe('/v1/entities/a%2Fb%20%C3%BC?kb=demo');
    const { kb, entity, status } = entityWriteResponse.parse(made.body);
    expect({ entity, status }).toMatchObject({
      entity: { id: 'a/b ü', title: 'Slash', aliases: [] },
      status: 'created',
    });
    const again = await send('PUT', 'a/b ü', { id: 'a/b ü', title: 'Slash' });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ status: 'unchanged', kb: { sequence: kb.sequence } });
    const changed = await send('PUT', 'a/b ü', { title: 'Slash', description: 'more' });
    expect(changed.body).toMatchObject({ status: 'changed', kb: { sequence: kb.sequence + 1 } });
    expect(etag(again)).toBe(etag(made));
    expect(etag(changed)).not.toBe(etag(made));
    expect(await get('a/b ü')).toMatchObject({
      etag: etag(changed),
      entity: { description: 'more' },
    });
  });

  it('is detected and linked from the answer on, by its new names only, and not after DELETE', async () => {
    const text = 'They say that Quellimdra was seen again.';
    expect(await linked(text)).not.toContain('quell');
    await send('PUT', 'quell', { title: 'Quellimdra', description: 'A dragon.' });
    expect(await linked(text)).toContain('quell');
    await send('PUT', 'quell', { title: 'Vantoreline', description: 'A dragon.' });
    expect(await linked('They say that Vantoreline was seen again.')).toContain('quell');
    const names = async (body: string) => {
      const answer = await api.post('/v1/mentions', { text: body });
      return (answer.body as { mentions: { surface: string; source: string }[] }).mentions
        .filter(({ source }) => source === 'gazetteer')
        .map(({ surface }) => surface);
    };
    expect(await names(text)).not.toContain('Quellimdra');
    expect((await send('DELETE', 'quell')).status).toBe(204);
    expect(await names('They say that Vantoreline was seen again.')).toEqual([]);
    expect(await linked('They say that Vantoreline was seen again.')).not.toContain('quell');
    expect((await send('GET', 'quell')).status).toBe(404);
  });

  it.each<[string, unknown, string]>([
    ['without a title', {}, '/title'],
    ['with another id', { id: 'other', title: 'x' }, '/id'],
    ['with a bad alias', { title: 'x', aliases: ['ok', ''] }, '/aliases/1'],
    ['with a NUL', { title: 'x', data: { a: 'b\0' } }, '/data'],
    ['that is a list', [], ''],
    ['that is a number', 5, ''],
  ])('refuses a record %s, and says where', async (_what, body, pointer) => {
    const answer = await send('PUT', 'bad', body);
    expect(answer.status).toBe(400);
    expect(problem.parse(answer.body).errors?.[0]).toMatchObject({ pointer });
    expect((await send('GET', 'bad')).status).toBe(404);
  });

  it.each<[string, string]>([
    ['no JSON', '{"title": '],
    ['no value', ''],
  ])('refuses a body that is %s', async (_what, body) => {
    expect((await send('PUT', 'bad', body)).status).toBe(400);
  });

  it('does not make a knowledge base', async () => {
    const answer = await api.get('/v1/entities/x?kb=nowhere', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: '{"title":"x"}',
    });
    expect(answer.status).toBe(404);
    expect(problem.parse(answer.body)).toMatchObject({
      code: 'kb-not-found',
      detail: expect.stringContaining('import'),
    });
  });
});

describe('conditions', () => {
  it('answers 304 to who has the state already', async () => {
    await send('PUT', 'c1', { title: 'One' });
    const { etag: tag } = await get('c1');
    const known = await send('GET', 'c1', undefined, { 'If-None-Match': `"x", W/${tag}` });
    expect(known).toMatchObject({ status: 304, body: '' });
    expect(etag(known)).toBe(tag);
    expect((await send('GET', 'c1', undefined, { 'If-None-Match': '"x"' })).status).toBe(200);
  });

  it('writes in the state that is expected only, and says in which it is', async () => {
    const made = await send('PUT', 'c2', { title: 'One' }, { 'If-None-Match': '*' });
    expect(made.status).toBe(201);
    const stale = await send('PUT', 'c2', { title: 'Two' }, { 'If-None-Match': '*' });
    expect([stale.status, codeOf(stale), etag(stale)]).toEqual([412, 'stale', etag(made)]);
    const two = await send('PUT', 'c2', { title: 'Two' }, { 'If-Match': etag(made) });
    expect(two.status).toBe(200);
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const late = await send(method, 'c2', { title: 'Three' }, { 'If-Match': etag(made) });
      expect([late.status, etag(late)]).toEqual([412, etag(two)]);
    }
    const weak = await send('PUT', 'c2', { title: 'Three' }, { 'If-Match': `W/${etag(two)}` });
    expect(weak.status).toBe(412);
    expect(
      (await send('DELETE', 'c2', undefined, { 'If-Match': `"0", ${etag(two)}` })).status,
    ).toBe(204);
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      expect((await send(method, 'c2', { title: 'x' }, { 'If-Match': '*' })).status).toBe(412);
    }
  });

  it.each<[string, Headers]>([
    ['both headers', { 'If-Match': '*', 'If-None-Match': '*' }],
    ['no tag', { 'If-Match': 'abc' }],
    ['a tag that must not be', { 'If-None-Match': '"abc"' }],
  ])('refuses %s', async (_what, headers) => {
    expect((await send('PUT', 'c3', { title: 'x' }, headers)).status).toBe(400);
  });
});

describe('PATCH /v1/entities/:id', () => {
  it('merges: null takes away, objects are merged, lists replaced, unknown fields are those of data', async () => {
    await send('PUT', 'p1', {
      title: 'One', aliases: ['a', 'b'], url: 'https://x', data: { keep: 1, deep: { x: 1, y: 2 }, colour: 'red' },
    }); // prettier-ignore
    const patch = { aliases: ['c'], url: null, data: { deep: { x: null, z: 3 } }, colour: 'blue' };
    const answer = await send('PATCH', 'p1', patch, {
      'Content-Type': 'application/merge-patch+json',
    });
    expect(answer.status).toBe(200);
    const { entity } = await get('p1');
    expect(entity).toEqual({
      id: 'p1', title: 'One', aliases: [{ name: 'c' }], description: '', types: [],
      data: { keep: 1, deep: { y: 2, z: 3 }, colour: 'blue' },
    }); // prettier-ignore
  });

  it.each<[string, unknown, number]>([
    ['takes the title away', { title: null }, 400],
    ['changes the id', { id: 'p3' }, 400],
    ['is a list', [], 400],
    ['is endlessly deep', `{"data":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`, 400],
  ])('refuses one that %s', async (_what, patch, status) => {
    await send('PUT', 'p2', { title: 'Two' });
    expect((await send('PATCH', 'p2', patch)).status).toBe(status);
    expect((await get('p2')).entity.title).toBe('Two');
  });

  it('finds nothing to change where there is no entity', async () => {
    expect((await send('PATCH', 'nobody', { title: 'x' })).status).toBe(404);
    expect((await send('DELETE', 'nobody')).status).toBe(404);
  });
});

describe('16 writers of one entity', () => {
  const count = async (id: string) => (await get(id)).entity.data?.['count'];
  const writers = (work: () => Promise<void>) =>
    Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let n = 0; n < 5; n++) await work();
      }),
    );

  it('lose no update with If-Match', async () => {
    await send('PUT', 'counter', { title: 'Counter', data: { count: 0 } });
    await writers(async () => {
      for (;;) {
        const { entity, etag: tag } = await get('counter');
        const next = { ...entity, data: { count: Number(entity.data?.['count']) + 1 } };
        const { status } = await send('PUT', 'counter', next, { 'If-Match': tag });
        if (status === 200) return;
        expect(status).toBe(412);
      }
    });
    expect(await count('counter')).toBe(80);
  });

  it('lose no update with PATCH, each of a field of its own', async () => {
    await send('PUT', 'fields', { title: 'Fields', data: {} });
    let next = 0;
    await writers(async () => {
      const { status } = await send('PATCH', 'fields', { data: { [`f${next++}`]: true } });
      expect(status).toBe(200);
    });
    expect(Object.keys((await get('fields')).entity.data ?? {})).toHaveLength(80);
  });
});
