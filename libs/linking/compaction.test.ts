import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { smallDisk, type SmallDisk } from '../../test/support/small-disk.js';
import { temporaryCatalog, type TemporaryCatalog } from '../../test/support/small-kb.js';
import { normalised } from '../index/testing/vectors.js';
import { contentHash } from '../kb/content-hash.js';
import type { KbStore } from '../kb/kb-store.js';
import { SqliteCatalog } from '../kb/sqlite-catalog.js';
import { FileLock } from '../kb/file-lock.js';
import { entity } from '../kb/testing/records.js';
import { KnowledgeBase, type KnowledgeBaseOptions } from './knowledge-base.js';

const MODEL = { version: 'm', dimensions: 64 };
const DUE = 20;

let temporary: TemporaryCatalog;
let store: KbStore;
let folder: string;
let warnings: string[];
const opened: KnowledgeBase[] = [];
const catalogs: SqliteCatalog[] = [];

beforeEach(async () => {
  temporary = await temporaryCatalog();
  store = await temporary.catalog.openOrCreate('kb');
  folder = temporary.catalog.derivedFolder('kb');
  warnings = [];
});
afterEach(async () => {
  for (const kb of opened.splice(0)) await kb.close();
  for (const catalog of catalogs.splice(0)) await catalog.close();
  await temporary.remove();
});

async function open(options: Partial<KnowledgeBaseOptions> = {}): Promise<KnowledgeBase> {
  const onWarning = (message: string) => warnings.push(message);
  const common = { model: MODEL, derivedFolder: folder, onWarning, changesBeforeSnapshot: DUE };
  const kb = await KnowledgeBase.open({ store, ...common, ...options });
  opened.push(kb);
  return kb;
}

/** The store as another process has it. */
function another(): Promise<KbStore> {
  const catalog = new SqliteCatalog({ dataDir: temporary.dataDir });
  catalogs.push(catalog);
  return catalog.open('kb');
}

const any = { state: 'any' } as const;

async function put(from: number, to: number, version = 1): Promise<void> {
  const records = Array.from({ length: to - from }, (_, at) =>
    entity({ id: `e${from + at}`, title: `Name ${from + at} of ${version}` }),
  );
  const rows = records.map((record, at) => ({
    contentHash: contentHash(record),
    vector: normalised(
      Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * (from + at + version))),
    ),
  }));
  await store.vectors.put('m', rows);
  const writes = records.map((record) => ({ id: record.id, record, expected: any }));
  await store.writes.write(writes, { modelVersion: 'm' });
}

const snapshots = async () =>
  (await readdir(folder)).filter((name) => name.startsWith('m-')).sort();

const sizeOf = (kb: KnowledgeBase) => kb.read((index) => Promise.resolve(index.size));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await condition()); waited += 20) {
    if (waited > 10_000) throw new Error('it did not come to that in 10 s');
    await sleep(20);
  }
}

describe('compaction', () => {
  test('one of several processes builds, and all take it over, without another change', async () => {
    await put(0, 5);
    const first = await open();
    const second = await open({ store: await another() });
    await put(5, 40);
    await Promise.all([first.refresh(), second.refresh()]);
    await until(async () => {
      await Promise.all([first.refresh(), second.refresh()]);
      return [first, second].every((kb) => kb.versions().index === 'snapshot-40+0');
    });
    expect(await snapshots()).toEqual(['m-40']);
    expect([await sizeOf(first), await sizeOf(second), warnings]).toEqual([40, 40, []]);
  });

  test('nobody waits for who builds, and searches go on as before', async () => {
    await put(0, 40);
    await mkdir(folder, { recursive: true });
    const lock = FileLock.exclusive(join(folder, 'build.lock'));
    const kb = await open();
    await kb.settled();
    expect([kb.versions().index, await sizeOf(kb)]).toEqual(['memory+40', 40]);
    lock?.release();
    await until(async () => {
      await kb.refresh();
      return kb.versions().index === 'snapshot-40+0';
    });
  });

  test('forgets the vectors of contents that are no more', async () => {
    await put(0, 30);
    const kb = await open();
    await kb.settled();
    await put(0, 30, 2);
    await kb.refresh();
    await kb.settled();
    expect(await store.vectors.models()).toEqual(new Map([['m', 30]]));
    expect(await sizeOf(kb)).toBe(30);
  });

  test('opening removes what a dead build left', async () => {
    await put(0, 3);
    await mkdir(join(folder, '.removed-x'), { recursive: true });
    await open();
    expect(await readdir(folder)).toEqual([]);
  });

  test('closing stops a build, and leaves nothing of it', async () => {
    await put(0, 3_000);
    const kb = await open();
    await kb.close();
    expect((await readdir(folder)).filter((name) => name !== 'build.lock')).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

describe('compaction on a disk that is full', () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = smallDisk(96 * 1024);
  });
  afterEach(async () => {
    for (const kb of opened.splice(0)) await kb.close();
    disk.remove();
  });

  test('leaves the old index in service, pauses, and comes to its end when there is room', async () => {
    await put(0, 30);
    const kb = await open({ derivedFolder: disk.path, pauseAfterFailureMs: 300 });
    await kb.settled();
    expect(kb.versions().index).toBe('snapshot-30+0');
    await put(30, 500);
    await kb.refresh();
    await kb.settled();
    expect(warnings).toEqual([expect.stringMatching(/No space left .* stays in service.* 0\.3 s/)]);
    expect([kb.versions().index, await sizeOf(kb)]).toEqual(['snapshot-30+470', 500]);
    expect((await readdir(disk.path)).sort()).toEqual(['build.lock', 'm-30']);
    await kb.refresh();
    await kb.settled();
    expect(warnings).toHaveLength(1);
    disk.resize(4 * 1024 * 1024);
    await until(async () => {
      await kb.refresh();
      return kb.versions().index === 'snapshot-500+0';
    });
    expect(warnings).toHaveLength(1);
  });
});
