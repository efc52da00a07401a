import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryCatalog, type TemporaryCatalog } from '../../test/support/small-kb.js';
import { entityRecord } from '../contract/entity.js';
import type { KbStore } from '../kb/kb-store.js';
import { SqliteCatalog } from '../kb/sqlite-catalog.js';
import { KnowledgeBase, type KnowledgeBaseOptions } from './knowledge-base.js';
import { makeSnapshot } from './snapshots.js';

const MODEL = { version: 'model-one', dimensions: 4 };

let temporary: TemporaryCatalog;
let store: KbStore;
let folder: string;
let warnings: string[];
const opened: KnowledgeBase[] = [];

beforeEach(async () => {
  temporary = await temporaryCatalog();
  store = await temporary.catalog.openOrCreate('kb');
  folder = temporary.catalog.derivedFolder('kb');
  warnings = [];
});

afterEach(async () => {
  for (const kb of opened.splice(0)) await kb.close();
  await temporary.remove();
});

async function open(options: Partial<KnowledgeBaseOptions> = {}): Promise<KnowledgeBase> {
  const onWarning = (message: string) => warnings.push(message);
  const kb = await KnowledgeBase.open({
    store,
    model: MODEL,
    derivedFolder: folder,
    onWarning,
    ...options,
  });
  opened.push(kb);
  return kb;
}

/** Adds entities named "name N" with vectors that point along axis N mod 4. */
async function add(into: KbStore, numbers: readonly number[], model = MODEL): Promise<void> {
  const records = numbers.map((n) => entityRecord.parse({ id: `e${n}`, title: `Name ${n}` }));
  await into.imports.begin();
  const { contentHashes } = await into.imports.add(records);
  const rows = contentHashes.map((contentHash, at) => ({
    contentHash,
    vector: axis(numbers[at] ?? 0),
  }));
  await into.vectors.put(model.version, rows);
  await into.imports.commit();
}

function axis(n: number): Float32Array {
  const vector = new Float32Array(4);
  vector[n % 4] = 1;
  return vector;
}

const sizeOf = (kb: KnowledgeBase) => kb.read((index) => Promise.resolve(index.size));

describe('KnowledgeBase.open', () => {
  test('without a snapshot the stored vectors and names are loaded', async () => {
    await add(store, [1, 2, 3]);
    const kb = await open();
    expect(await sizeOf(kb)).toBe(3);
    expect([kb.names.has('name 2'), kb.names.has('name 9')]).toEqual([true, false]);
    expect(kb.versions()).toEqual({
      model: 'model-one',
      kb: { name: 'kb', sequence: 3 },
      index: 'memory+3',
    });
  });

  test('an empty KB can be opened', async () => {
    const kb = await open();
    expect(await sizeOf(kb)).toBe(0);
  });

  test('the newest snapshot is opened and brought up to date', async () => {
    await add(store, [1, 2]);
    await makeSnapshot(store, MODEL, folder);
    await add(store, [3]);
    const kb = await open();
    expect(kb.versions().index).toBe('snapshot-2+1');
    expect(await sizeOf(kb)).toBe(3);
    expect([kb.names.has('name 1'), kb.names.has('name 3')]).toEqual([true, true]);
  });

  test('a damaged snapshot is put aside with a warning, and nothing is lost', async () => {
    await add(store, [1, 2]);
    await makeSnapshot(store, MODEL, folder);
    await writeFile(join(folder, 'model-one-2', 'names.bin'), 'damaged');
    const kb = await open();
    expect(await sizeOf(kb)).toBe(2);
    expect(warnings).toEqual([
      expect.stringMatching(/put aside .* searched in memory until .* by a later import\.$/),
    ]);
    expect(kb.versions().index).toBe('memory+2');
    await kb.settled();
    expect(await readdir(folder)).toEqual([expect.stringMatching(/^\.damaged-model-one-2-/)]);
  });

  test('a snapshot that is ahead of the KB is not used: its import never committed', async () => {
    await add(store, [1, 2]);
    await makeSnapshot(store, MODEL, folder);
    const other = await temporary.catalog.openOrCreate('other');
    await add(other, [7]);
    const kb = await open({ store: other });
    expect(await sizeOf(kb)).toBe(1);
    expect(kb.versions().index).toBe('memory+1');
  });

  test('entities without a vector of this model are refused with the remedy', async () => {
    await add(store, [1, 2]);
    await add(store, [3], { version: 'model-two', dimensions: 4 });
    await expect(open()).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringMatching(
        /^1 entities of KB 'kb' have no vector .* Import the KB again/,
      ),
    });
  });
});

describe('KnowledgeBase.refresh', () => {
  test('follows what another process commits', async () => {
    await add(store, [1]);
    const kb = await open();
    const another = new SqliteCatalog({ dataDir: temporary.dataDir });
    await add(await another.open('kb'), [2, 3]);
    await another.close();
    await kb.refresh();
    expect(await sizeOf(kb)).toBe(3);
    expect(kb.names.has('name 3')).toBe(true);
    expect(kb.versions().kb.sequence).toBe(3);
  });

  test('follows what labelled texts taught another process, without another copy of a vector', async () => {
    await add(store, [1, 2]);
    await makeSnapshot(store, MODEL, folder);
    const kb = await open();
    const another = new SqliteCatalog({ dataDir: temporary.dataDir });
    const { learned } = await another.open('kb');
    const lesson = { hash: 'ab'.repeat(32), mentions: [{ name: 'one', key: 1 }], surfaces: [] };
    const { sequence } = await learned.learn([lesson]);
    await another.close();
    await kb.refresh();
    expect(kb.names.has('one')).toBe(true);
    expect(kb.versions()).toMatchObject({ kb: { sequence }, index: 'snapshot-2+0' });
  });

  test.each(['running', 'snapshot', 'memory'])(
    'knows no name that was forgotten (%s)',
    async (how) => {
      await add(store, [1, 2]);
      const running = await open();
      const lesson = { hash: 'ab'.repeat(32), mentions: [{ name: 'one', key: 1 }], surfaces: [] };
      await store.learned.learn([lesson]);
      if (how === 'snapshot') await makeSnapshot(store, MODEL, folder);
      await running.refresh();
      expect(running.names.has('one')).toBe(true);
      await store.learned.forget();
      await running.refresh();
      const kb = how === 'running' ? running : await open();
      expect([kb.names.has('one'), kb.names.has('name 2')]).toEqual([false, true]);
    },
  );

  test('reaches a sequence that no entity changed for', async () => {
    await add(store, [1]);
    const kb = await open();
    const lesson = { hash: 'ab'.repeat(32), mentions: [{ name: 'x', key: null }], surfaces: [] };
    const { sequence } = await store.learned.learn([lesson]);
    await kb.refreshTo(sequence);
    expect(kb.versions().kb.sequence).toBe(sequence);
  });

  test('opens a newer snapshot of another process', async () => {
    await add(store, [1]);
    const kb = await open();
    await add(store, [2, 3]);
    await makeSnapshot(store, MODEL, folder);
    await kb.refresh();
    expect(kb.versions().index).toBe('snapshot-3+0');
    expect(await sizeOf(kb)).toBe(3);
  });

  test('a reader keeps one view to its end', async () => {
    await add(store, [1]);
    const kb = await open();
    await add(store, [2]);
    let refreshed: Promise<void> | undefined;
    const sizes = await kb.read(async (index) => {
      const before = index.size;
      refreshed = kb.refresh();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return [before, index.size];
    });
    await refreshed;
    expect(sizes).toEqual([1, 1]);
    expect(await sizeOf(kb)).toBe(2);
  });

  test('an entity without a vector of this model is not linked, and a warning says so', async () => {
    await add(store, [1]);
    const kb = await open();
    await add(store, [2], { version: 'model-two', dimensions: 4 });
    await kb.refresh();
    expect(await sizeOf(kb)).toBe(1);
    expect(warnings).toEqual([expect.stringMatching(/^1 entities/)]);
  });

  test('many changes get a snapshot in the background', async () => {
    await add(store, [1, 2]);
    const kb = await open({ changesBeforeSnapshot: 2 });
    await kb.settled();
    expect(kb.versions().index).toBe('snapshot-2+0');
    await add(store, [3, 4, 5]);
    await kb.refresh();
    await kb.settled();
    expect(kb.versions().index).toBe('snapshot-5+0');
    expect(await sizeOf(kb)).toBe(5);
    expect(warnings).toEqual([]);
  });
});
