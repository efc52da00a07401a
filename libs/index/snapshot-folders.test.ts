import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { LayeredIndex } from './layered-index.js';
import { dropSnapshotsAfter, listSnapshots, openSnapshot, pruneSnapshots } from './snapshot.js';
import {
  buildTestSnapshot,
  DIMENSIONS,
  MODEL,
  testVectors,
  type TestBuild,
} from './testing/snapshots.js';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'referent-snapshots-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

const build = (options: TestBuild = {}): Promise<string> => buildTestSnapshot(root, options);

describe('listSnapshots', () => {
  it('gives those of the model, newest first, without broken ones and builds under way', async () => {
    for (const kbSequence of [9, 10, 2, 11]) await build({ kbSequence, count: 5, exactBelow: 9 });
    await build({ kbSequence: 12, count: 5, modelVersion: 'm1-12' });
    await writeFile(join(root, 'm1-11', 'manifest.json'), '{');
    await mkdir(join(root, '.building-host-1-x'));
    await mkdir(join(root, 'm1-99'));
    await rename(join(root, 'm1-2'), join(root, 'm1-3'));
    const found = await listSnapshots(root, 'm1');
    expect(found.map(({ folder }) => folder)).toEqual([join(root, 'm1-10'), join(root, 'm1-9')]);
    expect(found[0]).toMatchObject({ kbSequence: 10, vectors: 5, modelVersion: 'm1' });
  });

  it('gives none where the root does not exist', async () => {
    expect(await listSnapshots(join(root, 'nowhere'), 'm1')).toEqual([]);
  });
});

describe('pruneSnapshots', () => {
  it('keeps the newest of each model and removes what is broken', async () => {
    for (const kbSequence of [1, 2, 3]) await build({ kbSequence, count: 5 });
    await build({ kbSequence: 1, count: 5, modelVersion: 'm0' });
    await mkdir(join(root, 'm1-99'));
    await mkdir(join(root, 'other'));
    const removed = await pruneSnapshots(root, 2);
    expect([...removed].sort()).toEqual([join(root, 'm1-1'), join(root, 'm1-99')]);
    expect((await readdir(root)).sort()).toEqual(['m0-1', 'm1-2', 'm1-3', 'other']);
  });

  it('removes what dead builds left, and not what live ones are writing', async () => {
    const host = hostname().replace(/[^A-Za-z0-9]/g, '');
    const old = new Date(Date.now() - 48 * 3_600_000);
    const make = async (name: string, writtenAt?: Date): Promise<void> => {
      await mkdir(join(root, name));
      if (writtenAt) await utimes(join(root, name), writtenAt, writtenAt);
    };
    await make(`.building-${host}-999999999-dead`);
    await make(`.building-${host}-${process.pid}-live`);
    await make(`.building-${host}-${process.pid}-earlier`, old);
    await make('.building-elsewhere-1-live');
    await make('.building-elsewhere-1-idle', old);
    await make('.removed-x');
    await pruneSnapshots(root, 1);
    expect((await readdir(root)).sort()).toEqual(
      [`.building-elsewhere-1-live`, `.building-${host}-${process.pid}-live`].sort(),
    );
  });

  it('leaves an index that is open searchable', async () => {
    const { vectors } = await openSnapshot(await build({ count: 2_500 }), MODEL);
    await pruneSnapshots(root, 0);
    expect(await readdir(root)).toEqual([]);
    const layered = new LayeredIndex(DIMENSIONS, vectors);
    expect(layered.search(testVectors(1), 1)[0]?.keys).toEqual([0]);
    layered.close();
  });
});

describe('dropSnapshotsAfter', () => {
  it('removes those of a state that the KB has not reached', async () => {
    for (const kbSequence of [4, 5, 6]) await build({ kbSequence, count: 5 });
    expect(await dropSnapshotsAfter(root, 5)).toEqual([join(root, 'm1-6')]);
    expect((await listSnapshots(root, 'm1')).map((entry) => entry.kbSequence)).toEqual([5, 4]);
  });
});
