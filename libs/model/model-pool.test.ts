import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addModel } from '../../bench/support/added-model.js';
import { modelsFolder, type ModelsFolder } from '../../test/support/models-folder.js';
import { MODEL_FOLDER, shippedManifest } from '../../test/support/golden.js';
import { ModelPool, type ModelPoolOptions } from './model-pool.js';

const ENTITY = { title: 'Mars', aliases: [], types: [], description: 'The fourth planet, red.' };

let folder: ModelsFolder;
let pool: ModelPool;
beforeEach(async () => {
  folder = await modelsFolder('second');
  pool = poolOf({});
});
afterEach(async () => {
  await pool.close();
  await folder.remove();
});

function poolOf(options: Partial<ModelPoolOptions>): ModelPool {
  const { modelsDir } = folder;
  return new ModelPool({ modelsDir, modelDir: MODEL_FOLDER, threads: 1, ...options });
}

const versionOf = async (name: string) => (await pool.named(name)).version;

describe('models are found', () => {
  test('by name: the default one first, then the folders with a manifest', async () => {
    await mkdir(join(folder.modelsDir, 'not-a-model'));
    const { models, unusable } = await pool.list();
    expect(models.map(({ name }) => name)).toEqual(['referent-v1', 'second']);
    expect(models[0]).toMatchObject({ version: shippedManifest.version, dimensions: 384 });
    expect(unusable).toEqual([]);
    expect(await pool.byDefault()).toEqual(models[0]);
  });

  test('with what is wrong of one that cannot be used', async () => {
    await mkdir(join(folder.modelsDir, 'broken'));
    await writeFile(join(folder.modelsDir, 'broken', 'manifest.json'), '{"name": 1}');
    const { unusable } = await pool.list();
    expect(unusable).toEqual([
      { name: 'broken', problem: expect.stringContaining('is not valid') },
    ]);
    await expect(pool.named('broken')).rejects.toThrow(/model broken cannot be used: .*not valid/s);
  });

  test.each(['third', '../models/second', '/etc', '.', '', 'second/../second'])(
    'but not by the name %j',
    async (name) => {
      await expect(pool.named(name)).rejects.toMatchObject({
        code: 'invalid-input',
        message: expect.stringMatching(/there are: referent-v1 \(\w+\), second \(\w+\)/),
      });
    },
  );

  test('where the folder of models is not there: the default one alone', async () => {
    const alone = poolOf({ modelsDir: join(folder.modelsDir, 'missing') });
    expect((await alone.list()).models.map(({ name }) => name)).toEqual(['referent-v1']);
  });
});

describe('models are loaded', () => {
  test('once each, however many need them at a time', async () => {
    const version = await versionOf('second');
    const leases = await Promise.all([1, 2, 3].map(() => pool.acquire(version)));
    expect(new Set(leases.map(({ model }) => model)).size).toBe(1);
    const first = await pool.acquire(shippedManifest.version);
    expect(first.model.identity).toMatchObject({ version: shippedManifest.version });
    expect(leases[0]?.model.identity).toMatchObject({ version });
    const [one, other] = await Promise.all([
      first.model.encodeEntities([ENTITY]),
      leases[0]?.model.encodeEntities([ENTITY]),
    ]);
    expect(one).not.toEqual(other);
  });

  test('and closed when nobody has used them for a while', async () => {
    pool = poolOf({ idleMs: 50 });
    const version = await versionOf('second');
    const first = await pool.acquire(version);
    const second = await pool.acquire(version);
    first.release();
    first.release();
    await sleep(120);
    expect(await second.model.encodeEntities([ENTITY])).toHaveLength(384);
    second.release();
    await sleep(120);
    await expect(second.model.encodeEntities([ENTITY])).rejects.toMatchObject({
      code: 'not-ready',
    });
    const third = await pool.acquire(version);
    expect(third.model).not.toBe(first.model);
    expect(await third.model.encodeEntities([ENTITY])).toHaveLength(384);
  });

  test('as soon as their folder is there', async () => {
    await pool.list();
    const version = await addModel(folder.modelsDir, 'later', 40);
    expect((await pool.acquire(version)).name).toBe('later');
  });

  test('but not where there is none of that version: the message says which there are', async () => {
    await expect(pool.acquire('0123456789abcdef')).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/version 0123456789abcdef .*referent-v1.*second/),
    });
  });

  test('again, where it failed before', async () => {
    const version = await addModel(folder.modelsDir, 'damaged', 50);
    const trunk = join(folder.modelsDir, 'damaged', shippedManifest.files.trunk.path);
    await rm(trunk);
    await writeFile(trunk, 'damaged');
    await expect(pool.acquire(version)).rejects.toMatchObject({ code: 'model-invalid' });
    await rm(trunk);
    await symlink(join(process.cwd(), MODEL_FOLDER, shippedManifest.files.trunk.path), trunk);
    expect((await pool.acquire(version)).name).toBe('damaged');
  });

  test('not after the pool was closed', async () => {
    const { model } = await pool.acquire(shippedManifest.version);
    await pool.close();
    await expect(model.encodeEntities([ENTITY])).rejects.toMatchObject({ code: 'not-ready' });
    await expect(pool.acquire(shippedManifest.version)).rejects.toMatchObject({
      code: 'not-ready',
    });
  });
});
