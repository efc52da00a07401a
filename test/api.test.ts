import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { EXAMPLES } from '../libs/contract/examples.js';
import { OPERATIONS } from '../libs/contract/operations.js';
import type { Operation } from '../libs/contract/operation.js';
import {
  annotateDocumentsResponse,
  annotateTextResponse,
  candidatesResponse,
  mentionsResponse,
} from '../libs/contract/responses.js';
import { ANSWER_SCHEMAS } from '../libs/contract/schemas.js';
import { HOMONYMS } from './support/homonyms.js';
import { fillKbs, runningApi, type RunningApi } from './support/running-api.js';

const PLANET = 'Mercury is the planet nearest the Sun.';

/** The answer has exactly the fields of its schema, no more. */
function conforms<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.parse(body);
  expect(body).toEqual(parsed);
  return parsed;
}

let api: RunningApi;
beforeAll(async () => {
  api = await runningApi({ demo: HOMONYMS });
});
afterAll(() => api.close());

const annotate = async (body: object) =>
  conforms(annotateTextResponse, (await api.post('/v1/annotate', body)).body);

describe('POST /v1/annotate', () => {
  it('links a text and says what made the links, and how long each step took', async () => {
    const { links, versions, timings } = await annotate({ text: PLANET });
    expect(links[0]).toMatchObject({
      start: 0,
      end: 7,
      surface: 'Mercury',
      entityId: 'mercury-planet',
      title: 'Mercury',
      source: 'gazetteer',
    });
    expect(links[0]).not.toHaveProperty('candidates');
    expect(versions.kb).toEqual({ name: 'demo', sequence: expect.any(Number) });
    expect(timings.encode).toBeGreaterThan(0);
  });

  it('links given mentions, overlapping ones too, in the order given', async () => {
    const mentions = [
      { start: 4, end: 16 },
      { start: 4, end: 10 },
      { start: 0, end: 3 },
      { start: 4, end: 10 },
    ];
    const { links } = await annotate({ text: 'The Amazon River in Brazil', mentions });
    expect(links.map(({ start, end }) => ({ start, end }))).toEqual(mentions);
    expect(links[0]?.entityId).toBe('amazon-river');
  });

  it('takes an empty list of mentions at its word', async () => {
    expect((await annotate({ text: PLANET, mentions: [] })).links).toEqual([]);
  });

  it('gives as many candidates as asked for, with all their scores', async () => {
    const mentions = [{ start: 0, end: 7 }];
    const full = { rerank: 'full', candidates: true };
    const all = await annotate({ text: PLANET, mentions, options: full });
    expect(all.links[0]?.candidates).toHaveLength(HOMONYMS.length);
    expect(all.links[0]?.candidates?.every(({ logit }) => logit !== null)).toBe(true);
    const three = await annotate({ text: PLANET, mentions, options: { ...full, candidates: 3 } });
    expect(three.links[0]?.candidates).toEqual(all.links[0]?.candidates?.slice(0, 3));
    const none = await annotate({
      text: PLANET,
      mentions,
      options: { rerank: 'none', candidates: 1 },
    });
    expect(none.links[0]?.candidates?.[0]?.logit).toBeNull();
  });

  it('answers documents in their order under their ids, as it answers each alone', async () => {
    const texts = ['Java runs on a virtual machine.', '', PLANET, 'Nothing here.'];
    const documents = texts.map((text, at) => ({ id: `d${9 - at}`, text }));
    const { body } = await api.post('/v1/annotate', { documents, kb: 'demo' });
    const { results } = conforms(annotateDocumentsResponse, body);
    expect(results.map(({ id }) => id)).toEqual(['d9', 'd8', 'd7', 'd6']);
    for (const [at, text] of texts.entries()) {
      expect(results[at]?.links).toEqual((await annotate({ text })).links);
    }
  });

  it('answers no documents with no results', async () => {
    const { body } = await api.post('/v1/annotate', { documents: [] });
    expect(conforms(annotateDocumentsResponse, body).results).toEqual([]);
  });

  it('counts code points when asked to, in and out', async () => {
    const text = `🪐🪐 ${PLANET}`;
    const units = await annotate({ text });
    const points = await annotate({ text, options: { offsetUnit: 'codepoint' } });
    expect(units.links[0]).toMatchObject({ start: 5, end: 12, surface: 'Mercury' });
    expect(points.links[0]).toMatchObject({ start: 3, end: 10, surface: 'Mercury' });
    const given = { text, mentions: [{ start: 3, end: 10 }], options: { offsetUnit: 'codepoint' } };
    expect((await annotate(given)).links[0]).toMatchObject({
      start: 3,
      end: 10,
      surface: 'Mercury',
    });
  });

  it('reports NIL for given mentions, unless told not to', async () => {
    const nil = { text: PLANET, mentions: [{ start: 0, end: 7 }], options: { minConfidence: 1 } };
    expect((await annotate(nil)).links[0]).toMatchObject({ entityId: null, title: null });
    const without = { ...nil, options: { minConfidence: 1, includeNil: false } };
    expect((await annotate(without)).links).toEqual([]);
  });
});

describe('single stages', () => {
  it('POST /v1/mentions finds names and links nothing', async () => {
    const { body } = await api.post('/v1/mentions', { text: PLANET });
    expect(conforms(mentionsResponse, body).mentions[0]).toMatchObject({ surface: 'Mercury' });
  });

  it('POST /v1/candidates retrieves and reranks nothing', async () => {
    const request = { text: PLANET, mentions: [{ start: 0, end: 7 }], options: { limit: 2 } };
    const { body } = await api.post('/v1/candidates', request);
    const { mentions, timings } = conforms(candidatesResponse, body);
    expect(mentions).toHaveLength(1);
    expect(mentions[0]?.candidates).toHaveLength(2);
    expect(timings.rerank).toBe(0);
  });
});

describe('what /docs shows', () => {
  const posts = OPERATIONS.flatMap((operation) =>
    operation.examples === undefined
      ? []
      : Object.entries(EXAMPLES[operation.examples]).map(([name, { value }]) => {
          return [operation.path, name, value, operation] as const;
        }),
  );
  it.each(posts)(
    'POST %s, example %s, runs',
    async (path, _name, value, { answer: schema, status: wanted = 200 }) => {
      const { status, body } = await api.post(path, value);
      expect(status).toBe(wanted);
      if (schema in ANSWER_SCHEMAS)
        conforms(ANSWER_SCHEMAS[schema as keyof typeof ANSWER_SCHEMAS], body);
    },
  );

  const exampleUrl = ({ path, parameters = [] }: Operation) => {
    const query = new URLSearchParams();
    let filled = path;
    for (const { name, in: place, example } of parameters) {
      if (place === 'query') query.set(name, String(example));
      else filled = filled.replace(`{${name}}`, encodeURIComponent(example));
    }
    return `${filled}?${query.toString()}`;
  };
  // The jobs of the examples are not there: test/api-jobs.test.ts looks at real ones.
  const gets = OPERATIONS.filter(
    ({ method, path }) => method === 'GET' && !path.startsWith('/v1/jobs/{'),
  );
  it.each(gets.map((one) => [one.path, one] as const))('GET %s runs', async (_path, operation) => {
    const { status, body } = await api.get(exampleUrl(operation));
    expect(status).toBe(200);
    const { answer } = operation;
    if (answer in ANSWER_SCHEMAS)
      conforms(ANSWER_SCHEMAS[answer as keyof typeof ANSWER_SCHEMAS], body);
  });

  it('loads nothing from other hosts', async () => {
    const page = await api.get('/docs');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const sources = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, at]) => at ?? '',
    );
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      expect(source).toMatch(/^\/docs\//);
      expect((await api.get(source)).status).toBe(200);
    }
  });

  it('serves the OpenAPI document', async () => {
    const { body } = await api.get('/docs/openapi.json');
    expect(body).toMatchObject({ openapi: '3.1.0', info: { title: 'Referent' } });
  });

  it('sends people from / to the docs, and programs an answer', async () => {
    const html = await api.get('/', { headers: { Accept: 'text/html' }, redirect: 'manual' });
    expect([html.status, html.headers.get('location')]).toEqual([302, '/docs']);
    expect((await api.get('/')).body).toMatchObject({ name: 'Referent', docs: '/docs' });
  });
});

describe('knowledge bases and entities', () => {
  it('lists them', async () => {
    expect((await api.get('/v1/kbs')).body).toMatchObject({
      kbs: [{ name: 'demo', isDefault: true, entities: HOMONYMS.length }],
    });
  });

  it('finds entities by name', async () => {
    const { body } = await api.get('/v1/entities?q=java&limit=1');
    expect(body).toMatchObject({ kb: 'demo', entities: [{ title: 'Java' }] });
  });

  it('links to a KB that another process imports while the server runs, within a second', async () => {
    await fillKbs(api.dataDir, { late: HOMONYMS.slice(0, 3) });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const ready = await api.get('/health/ready');
    expect(ready.body).toMatchObject({ kbs: ['demo', 'late'] });
    const { body } = await api.post('/v1/annotate', { text: PLANET, kb: 'late' });
    const { links, versions } = conforms(annotateTextResponse, body);
    expect(links[0]?.entityId).toBe('mercury-planet');
    expect(versions.kb.name).toBe('late');

    const unnamed = await api.post('/v1/annotate', { text: PLANET });
    expect(unnamed.status).toBe(400);
    expect(unnamed.body).toMatchObject({
      detail: expect.stringMatching(/demo, late.*REFERENT_DEFAULT_KB/),
    });
  });
});
