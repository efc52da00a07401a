import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { job } from '../libs/contract/batches.js';
import { kbModels, type KbModels } from '../libs/contract/models-api.js';
import { annotateTextResponse } from '../libs/contract/responses.js';
import { makeDatabase, type TestDatabase } from '../libs/kb/testing/postgres.js';
import { HOMONYMS } from './support/homonyms.js';
import { jobLines, jobTools } from './support/jobs.js';
import { modelsFolder, type ModelsFolder } from './support/models-folder.js';
import { runningApi, type RunningApi } from './support/running-api.js';
import { sharedRedis, uniqueName } from './support/services.js';
import { ReferentProcess, until, type Running } from './support/referent-process.js';

/**
 * What works on over restarts and processes, with the stores in PostgreSQL: jobs and changes of the model, in one
 * process, and with a worker beside it. Needs the built files.
 */
const TEXT = 'Mercury is the smallest planet of the Solar System.';
const documents = Array.from({ length: 60 }, (_, at) => ({
  id: `d${at}`,
  text: at % 2 === 0 ? `Mercury number ${at} is a planet.` : `Java, number ${at}, is an island.`,
}));

describe.each(['in one process', 'with a worker'])('on PostgreSQL, %s', (where) => {
  let database: TestDatabase;
  let models: ModelsFolder;
  let api: RunningApi;
  let worker: Running | undefined;
  beforeAll(async () => {
    [database, models] = await Promise.all([makeDatabase(), modelsFolder('second')]);
    const queue = { REDIS_URL: sharedRedis(), REFERENT_QUEUE_PREFIX: uniqueName() };
    const env = {
      ...{ DATABASE_URL: database.url, REFERENT_MODELS_DIR: models.modelsDir },
      ...{ REFERENT_THREADS: '1', REFERENT_RERANK_DEADLINE_MS: '60000' },
      ...(where === 'with a worker' ? queue : {}),
    };
    api = await runningApi({ demo: HOMONYMS }, env);
    if (where !== 'with a worker') return;
    const { output } = (worker = new ReferentProcess({
      ...{ ...env, REFERENT_DATA_DIR: api.dataDir },
    }).start('worker'));
    await until(() => output.stdout.includes('takes'));
  }, 120_000);
  afterAll(async () => {
    worker?.child.kill('SIGTERM');
    await worker?.ended;
    await api.close();
    await models.remove();
    await database.remove();
  });

  const state = async (): Promise<KbModels> =>
    kbModels.parse((await api.get('/v1/kbs/demo/reembed')).body);
  const change = async (to: 'reembed' | 'rollback', body?: object) => {
    expect((await api.post(`/v1/kbs/demo/${to}`, body)).status).toBe(202);
    const phases = new Set<string>();
    for (;;) {
      const now = await state();
      const { reembedding } = now;
      if (reembedding === null) return { now, phases };
      expect(reembedding.problem).toBeNull();
      if (reembedding.progress !== null) phases.add(reembedding.progress.phase);
      await sleep(5);
    }
  };
  const answered = async () => {
    const { status, body } = await api.post('/v1/annotate', { text: TEXT, kb: 'demo' });
    expect(status).toBe(200);
    const { links, versions } = annotateTextResponse.parse(body);
    return { id: links[0]?.entityId, model: versions.model };
  };
  /** The first answer of another model than this. */
  const answeredAfter = async (model: string) => {
    for (;;) {
      const now = await answered();
      if (now.model !== model) return now;
      await sleep(50);
    }
  };

  it('does a job to its end, with the links of /v1/annotate to the byte', async () => {
    const tools = jobTools(api.url);
    const headers = { 'Idempotency-Key': 'once' };
    const made = await tools.send(jobLines(documents), '?kb=demo', { headers });
    expect(made.status).toBe(202);
    const { id } = job.parse(made.body);
    const { text } = await tools.events(id);
    expect(text).toMatch(/event: end\ndata: .*"state":"done"/);
    expect(await tools.get(id)).toMatchObject({ state: 'done', done: 60, failed: 0 });
    const { body } = await api.post('/v1/annotate', { documents, kb: 'demo' });
    const { results } = body as { results: object[] };
    expect(await tools.results(id)).toBe(
      jobLines(results.map(({ ...result }, at) => ({ line: at + 1, ...result }))),
    );
    const again = await tools.send(jobLines(documents), '?kb=demo', { headers });
    expect(job.parse(again.body).id).toBe(id);
  }, 120_000);

  it('stops a job that is cancelled', async () => {
    const tools = jobTools(api.url);
    const many = Array.from({ length: 3_000 }, (_, at) => ({ id: `d${at}`, text: TEXT }));
    const { id } = job.parse((await tools.send(jobLines(many), '?kb=demo')).body);
    expect((await api.get(`/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    const ended = await tools.ended(id);
    expect(ended.state).toBe('cancelled');
    expect(ended.done).toBeLessThan(3_000);
  }, 120_000);

  it('changes its model, with what is written meanwhile, and goes back', async () => {
    const first = await answered();
    expect(first.id).toBe('mercury-planet');
    const changing = change('reembed', { model: 'second' });
    const path = '/v1/entities/quexhaven?kb=demo';
    const put = { method: 'PUT', headers: { 'Content-Type': 'application/json' } };
    const written = await api.get(path, { ...put, body: JSON.stringify({ title: 'Quexhaven' }) });
    expect(written.status).toBe(201);
    const { now, phases } = await changing;
    expect(now).toMatchObject({
      active: { names: ['second'] },
      previous: { names: ['referent-v1'] },
    });
    expect(phases.size).toBeGreaterThan(0);
    const second = await answeredAfter(first.model);
    expect(second.id).toBe('mercury-planet');
    const { body } = await api.post('/v1/annotate', {
      ...{ text: 'The ship lies in Quexhaven.', kb: 'demo' },
      mentions: [{ start: 17, end: 26 }],
      options: { minConfidence: 0 },
    });
    expect(annotateTextResponse.parse(body).links[0]?.entityId).toBe('quexhaven');
    const back = await change('rollback');
    expect(back.now).toMatchObject({ active: { names: ['referent-v1'] } });
    expect(await answeredAfter(second.model)).toEqual(first);
  }, 180_000);
});
