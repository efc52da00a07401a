import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { HOMONYMS } from './support/homonyms.js';
import { fillKbs, runningApi, type RunningApi } from './support/running-api.js';

const OLD = HOMONYMS.slice(0, 3);
const NEW = HOMONYMS.slice(4, 6);
const JAVA = { text: 'Java is an island of Indonesia.', kb: 'drop' };

/** A server runs while the folder of its KB is removed, and the KB imported again by another process. */
describe('a KB that is removed and imported again', () => {
  let api: RunningApi;
  beforeEach(async () => {
    api = await runningApi({ drop: OLD });
  });
  afterEach(() => api.close());
  const removed = () => rm(join(api.dataDir, 'kbs', 'drop'), { recursive: true });
  const status = async (id: string) => (await api.get(`/v1/entities/${id}?kb=drop`)).status;

  async function expectNew(): Promise<void> {
    expect([await status('java-island'), await status('mercury-god')]).toEqual([200, 404]);
    expect(await api.post('/v1/annotate', JAVA)).toMatchObject({
      status: 200,
      body: { links: [{ entityId: 'java-island' }], versions: { kb: { sequence: 2 } } },
    });
    expect(api.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  }

  it('is served anew, and is not found in between', async () => {
    expect(await status('mercury-god')).toBe(200);
    await removed();
    expect(await status('mercury-god')).toBe(404);
    await sleep(700);
    expect((await api.get('/health/ready')).status).toBe(503);
    await fillKbs(api.dataDir, { drop: NEW });
    await expectNew();
    await sleep(700);
    await expectNew();
    expect((await api.get('/health/ready')).status).toBe(200);
  });

  it('is served anew where both fall between two looks, while requests are under way', async () => {
    await fillKbs(api.dataDir, { spare: NEW });
    const text = 'Mercury met the god Mercury. '.repeat(20);
    const running = Array.from({ length: 3 }, () =>
      api.post('/v1/annotate', { text, kb: 'drop', options: { rerank: 'full' } }),
    );
    await sleep(100);
    await removed();
    await fillKbs(api.dataDir, { drop: NEW });
    await expectNew();
    for (const { status: answered } of await Promise.all(running)) {
      expect([200, 503]).toContain(answered);
    }
  });

  it('does not know a KB whose first import has committed nothing', async () => {
    const catalog = new SqliteCatalog({ dataDir: api.dataDir });
    await catalog.openOrCreate('ghost');
    expect(await api.post('/v1/annotate', { ...JAVA, kb: 'ghost' })).toMatchObject({
      status: 404,
      body: { code: 'kb-not-found' },
    });
    expect((await api.get('/v1/kbs')).body).toMatchObject({ kbs: [{ name: 'drop' }] });
    await catalog.close();
  });
});
