import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MODEL_FOLDER } from '../../test/support/golden.js';
import { HOMONYMS } from '../../test/support/homonyms.js';
import { modelsFolder, type ModelsFolder } from '../../test/support/models-folder.js';
import {
  addEntities,
  temporaryCatalog,
  type TemporaryCatalog,
} from '../../test/support/small-kb.js';
import type { KbStore } from '../kb/kb-store.js';
import type { ListedModel } from '../model/model-list.js';
import { ModelPool } from '../model/model-pool.js';
import { OpenKbs } from './open-kbs.js';

const TEXT = { text: 'Java is an island of Indonesia.' };

let temporary: TemporaryCatalog;
let folder: ModelsFolder;
let pool: ModelPool;
let kbs: OpenKbs;
let store: KbStore;
let second: string;
let own: ListedModel;
let said: string[];

beforeEach(async () => {
  temporary = await temporaryCatalog();
  folder = await modelsFolder('second');
  pool = new ModelPool({ modelsDir: folder.modelsDir, modelDir: MODEL_FOLDER, threads: 1 });
  said = [];
  own = await pool.byDefault();
  second = (await pool.named('second')).version;
  store = await temporary.catalog.openOrCreate('kb');
  kbs = kbsWith(pool);
  const { model } = await pool.acquire(own.version);
  await addEntities(store, model, HOMONYMS.slice(0, 6));
});

afterEach(async () => {
  await kbs.close();
  await temporary.remove();
  await pool.close();
  await folder.remove();
});

function kbsWith(models: ModelPool): OpenKbs {
  const say = (message: unknown) => said.push(String(message));
  const log = { info: say, warn: say, error: say };
  const { catalog } = temporary;
  return new OpenKbs({ catalog, pool: models, defaultModel: own, log, defaultKb: null });
}

/** As another process would make the second model the active one. */
async function activateSecond(): Promise<void> {
  const { model } = await pool.acquire(second);
  const all = [];
  for await (const page of store.entities.scan()) all.push(...page);
  for (const { record, contentHash } of all) {
    const aliases = record.aliases.map(({ name }) => name);
    const vector = await model.encodeEntities([{ ...record, aliases }]);
    await store.vectors.put(second, [{ contentHash, vector }]);
  }
  await goForward();
}

async function goForward(): Promise<void> {
  await store.models.begin({ target: second, model: 'second' }, own.version);
  expect(await store.models.activate(second)).toEqual({ missing: 0 });
}

async function rollBack(): Promise<void> {
  await store.models.begin({ target: own.version, model: own.name }, own.version);
  await store.models.activate(own.version);
}

const versionNow = () => kbs.use('kb', ({ model }) => Promise.resolve(model.identity.version));

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('not within 10 s');
    await sleep(10);
  }
}

describe('a KB whose active model changes', () => {
  test('is searched with the new model soon, and was with the old one until then', async () => {
    kbs.start();
    const first = await kbs.use('kb', ({ linker }) => linker.annotate(TEXT));
    await activateSecond();
    await until(async () => (await versionNow()) === second);
    const then = await kbs.use('kb', ({ linker }) => linker.annotate(TEXT));
    expect([first, then].map(({ versions }) => versions.model.split('-')[0])).toEqual([
      own.version,
      second,
    ]);
    const java = (await store.entities.byIds(['java-island'])).get('java-island')?.key;
    expect([first, then].map(({ decisions }) => decisions[0]?.key)).toEqual([java, java]);
    expect(said).toEqual([`It is searched with model ${second} now.`]);
  });

  test('is used to the end by who began with the old model', async () => {
    kbs.start();
    await kbs.use('kb', async ({ linker, model }) => {
      await activateSecond();
      await until(async () => (await versionNow()) === second);
      await sleep(100);
      const { versions, decisions } = await linker.annotate(TEXT);
      expect(versions.model).toBe(model.identity.release);
      expect(model.identity.version).not.toBe(second);
      expect(decisions).toHaveLength(2);
    });
  });

  test('changes over at once for who was told of it', async () => {
    expect(await versionNow()).not.toBe(second);
    await activateSecond();
    expect(await versionNow()).not.toBe(second);
    await kbs.followActive('kb');
    expect(await versionNow()).toBe(second);
  });

  test('is opened with that model by a process that starts later', async () => {
    await activateSecond();
    expect(await versionNow()).toBe(second);
  });

  test('is refused by a process that starts without that model, with those it has', async () => {
    await activateSecond();
    const poor = new ModelPool({ modelsDir: '/nowhere', modelDir: MODEL_FOLDER, threads: 1 });
    const others = kbsWith(poor);
    await expect(others.get('kb')).rejects.toThrow(/no model with vectors of version .*there are/);
    await others.close();
    await poor.close();
  });

  test('stays with the old one where the new one is missing, says so, and follows when it is there', async () => {
    kbs.start();
    await versionNow();
    await activateSecond();
    await until(async () => (await versionNow()) === second);
    const away = `${folder.modelsDir}-away`;
    const poor = new ModelPool({ modelsDir: folder.modelsDir, modelDir: MODEL_FOLDER, threads: 1 });
    const others = kbsWith(poor);
    await rollBack();
    await others.get('kb');
    others.start();
    await rename(join(folder.modelsDir, 'second'), away);
    await goForward();
    await until(() => others.readiness().warnings.length > 0);
    expect(others.readiness().warnings).toEqual([
      expect.stringMatching(/goes on with .*no model with vectors of version .*All its entities/),
    ]);
    expect(said.filter((line) => line.includes('goes on with'))).toHaveLength(1);
    expect((await others.get('kb')).model.identity.version).not.toBe(second);
    await rename(away, join(folder.modelsDir, 'second'));
    await until(async () => (await others.get('kb')).model.identity.version === second);
    expect(others.readiness().warnings).toEqual([]);
    await others.close();
    await poor.close();
  });
});
