import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entityRecord } from '../libs/contract/entity.js';
import { kbModels } from '../libs/contract/models-api.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { modelsFolder, type ModelsFolder } from './support/models-folder.js';
import { ReferentProcess, until, type Running } from './support/referent-process.js';
import { fillKbs } from './support/running-api.js';
import { sharedRedis, uniqueName } from './support/services.js';

const ENTITIES = 1_200;
const RECORDS = Array.from({ length: ENTITIES }, (_, at) =>
  entityRecord.parse({
    id: `e${at}`,
    title: `Tower ${at} of Vienna`,
    description: 'An old tower.',
  }),
);

let dataDir: string;
let models: ModelsFolder;
let referent: ReferentProcess;
const running: Running[] = [];
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'referent-reembed-queue-'));
  models = await modelsFolder('second');
  await fillKbs(dataDir, { demo: RECORDS });
  referent = new ReferentProcess({
    ...{ REFERENT_DATA_DIR: dataDir, REFERENT_MODELS_DIR: models.modelsDir, REFERENT_THREADS: '1' },
    ...{ REDIS_URL: sharedRedis(), REFERENT_QUEUE_PREFIX: uniqueName() },
  });
}, 60_000);
afterAll(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL');
    await ended;
  }
  await rm(dataDir, { recursive: true, force: true });
  await models.remove();
});

async function worker(): Promise<Running> {
  const started = referent.start('worker', '--queues', 'embed,publish');
  running.push(started);
  await until(() => started.output.stdout.includes('takes'));
  return started;
}

/** How many entities have a vector of the model that is to be. */
async function embedded(): Promise<number> {
  const catalog = new SqliteCatalog({ dataDir });
  try {
    const store = await catalog.open('demo');
    const { reembedding } = await store.models.state();
    if (reembedding === null) return 0; // not asked for yet
    return (await store.vectors.models()).get(reembedding.target) ?? 0;
  } finally {
    await catalog.close();
  }
}

describe('a re-embedding that workers do', () => {
  it('goes on when a worker is killed, and when the process that leads it is', async () => {
    const first = await worker();
    const leader = referent.start('reembed', '--kb', 'demo', '--model', 'second');
    running.push(leader);
    while ((await embedded()) < 64) await new Promise((resolve) => setTimeout(resolve, 20));
    first.child.kill('SIGKILL');
    leader.child.kill('SIGKILL');
    await Promise.all([first.ended, leader.ended]);
    const left = await embedded();
    expect([left > 0, left < ENTITIES]).toEqual([true, true]);

    await worker();
    const ended = await referent.run('reembed', '--kb', 'demo', '--model', 'second', '--json');
    expect([ended.code, ended.stderr]).toEqual([0, expect.not.stringContaining('Error')]);
    const { active, previous, reembedding } = kbModels.parse(JSON.parse(ended.stdout));
    expect([active.names, previous?.names, reembedding]).toEqual([
      ['second'],
      ['referent-v1'],
      null,
    ]);
  }, 180_000);

  it('is led by a worker where nobody waits for it', async () => {
    const leader = referent.start('reembed', '--kb', 'demo', '--rollback');
    running.push(leader);
    const asked = async () => {
      const { stdout } = await referent.run('reembed', '--kb', 'demo', '--status', '--json');
      return kbModels.parse(JSON.parse(stdout));
    };
    await leader.ended;
    expect(await asked()).toMatchObject({ active: { names: ['referent-v1'] }, reembedding: null });
    const catalog = new SqliteCatalog({ dataDir });
    const store = await catalog.open('demo');
    const { previous } = await store.models.state();
    await store.models.begin({ target: previous ?? '', model: 'second' }, '');
    while ((await store.models.state()).reembedding !== null) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await catalog.close();
    expect(await asked()).toMatchObject({ active: { names: ['second'] } });
  }, 120_000);
});
