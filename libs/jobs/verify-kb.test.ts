import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryCatalog, type TemporaryCatalog } from '../../test/support/small-kb.js';
import { listSnapshots } from '../index/snapshot.js';
import { normalised } from '../index/testing/vectors.js';
import type { KbStore, StoreFinding } from '../kb/kb-store.js';
import { SqliteConnection } from '../kb/sqlite-driver.js';
import { entity } from '../kb/testing/records.js';
import { makeSnapshot } from '../linking/snapshots.js';
import { verifyKb } from './verify-kb.js';
import { writeEntities } from './write-entities.js';

const MODEL = { version: 'm', dimensions: 4 };

let temporary: TemporaryCatalog;
let store: KbStore;
let folder: string;

beforeEach(async () => {
  temporary = await temporaryCatalog();
  store = await temporary.catalog.openOrCreate('kb');
  folder = temporary.catalog.derivedFolder('kb');
});
afterEach(() => temporary.remove());

const model = {
  manifest: MODEL,
  encodeEntities: (texts: readonly { readonly title: string }[]) =>
    Promise.resolve(
      Float32Array.from(
        texts.flatMap(({ title }) => [...normalised(Float32Array.of(1, title.length, 0, 2))]),
      ),
    ),
};

const any = { state: 'any' } as const;

async function put(...titles: readonly string[]): Promise<void> {
  const writes = titles.map((title) => ({
    id: title,
    record: entity({ id: title, title: `name ${title}` }),
    expected: any,
  }));
  await writeEntities(writes, () => Promise.resolve({ store, model, derivedFolder: folder }));
}

const remove = (id: string) =>
  store.writes.write([{ id, record: null, expected: any }], { modelVersion: 'm' });

async function verify(): Promise<StoreFinding[]> {
  const found: StoreFinding[] = [];
  for await (const finding of verifyKb({ store, derivedFolder: folder, defaultModel: 'm' })) {
    found.push(finding);
  }
  return found;
}

/** What is wrong, as `check: first problem`. */
async function wrong(): Promise<string[]> {
  const found = await verify();
  for (const { count, problems, remedy } of found) {
    if (count > 0) expect([problems.length, remedy]).not.toContain('');
  }
  return found.filter(({ count }) => count > 0).map(({ check, problems }) => `${check}: ${problems[0] ?? ''}`); // prettier-ignore
}

/** Runs statements as another program would. */
function damage(sql: string): void {
  const connection = SqliteConnection.open(join(temporary.dataDir, 'kbs', 'kb', 'store.sqlite'));
  connection.exec(sql);
  connection.close();
}

describe('verifyKb', () => {
  it('finds nothing wrong with a KB that was written to in every way, with indexes of its past', async () => {
    await put('a', 'bb', 'ccc');
    await makeSnapshot(store, MODEL, folder);
    await put('a', 'dddd');
    await remove('bb');
    const mentions = [{ name: 'it', key: 1 }, { name: 'nil', key: null }]; // prettier-ignore
    await store.learned.learn([{ hash: 'a'.repeat(64), mentions, surfaces: [] }]);
    await makeSnapshot(store, MODEL, folder);
    await put('ccc', 'eeeee');
    await remove('a');
    await store.learned.forget();
    const found = await verify();
    expect(found.filter(({ count }) => count > 0)).toEqual([]);
    expect(found.filter(({ check }) => check.startsWith('index'))).toHaveLength(2);
  });

  it('finds nothing wrong with an empty KB', async () => {
    expect(await wrong()).toEqual([]);
  });

  it('tells of an import that runs, and of what a dead build left, without calling them wrong', async () => {
    await put('a');
    await store.imports.begin();
    await store.imports.add([entity({ id: 'x' })]);
    await mkdir(join(folder, '.building-x-1-y'), { recursive: true });
    const found = await verify();
    expect(found.flatMap(({ notes = [] }) => notes)).toEqual([
      expect.stringMatching(/^staging/),
      expect.stringMatching(/^\.building/),
    ]);
    expect(found.every(({ count }) => count === 0)).toBe(true);
    await store.imports.discard();
  });

  it.each<[string, string, RegExp]>([
    ['a wrong count', 'UPDATE kb SET entities = 7', /^counts: .*7.*3/],
    ['a missing name', "DELETE FROM name WHERE normalised = 'name a'; UPDATE kb SET names = names - 1", /^names of entities: .*"a".*"name a"/],
    ['a name of nobody', "INSERT INTO name VALUES ('x', 1, 99, NULL); UPDATE kb SET names = names + 1", /^names of nobody: .*99/],
    ['missing words', 'DELETE FROM entity_text WHERE rowid = 1', /^words for BM25: "a" has no words/],
    ['a missing change', 'DELETE FROM change WHERE key = 1', /^change feed: "a" has no change/],
    ['a change of the future', 'UPDATE change SET sequence = 99 WHERE key = 1', /^change feed: 99/],
    ['a key that was never given', 'UPDATE kb SET next_key = 2', /^keys: /],
    ['a missing vector', 'DELETE FROM vector WHERE id = 1', /^entities with a vector of m: .*"a"/],
    ['a vector of zeros', 'UPDATE vector SET vector = zeroblob(16) WHERE id = 1', /^vectors of m: .*length 0/],
    ['another content', "UPDATE entity SET record = replace(record, 'name a', 'nome a') WHERE key = 1", /^records and content hashes: entity "a"/],
    ['counts of nobody', "INSERT INTO learned_name VALUES ('x', 99, 1)", /^learned counts: "x"/],
  ])('finds %s', async (_what, sql, expected) => {
    await put('a', 'bb', 'ccc');
    damage(sql);
    expect(await wrong()).toEqual([expect.stringMatching(expected)]);
  }); // prettier-ignore

  it('finds an index with an entity too many, one too few, and another vector', async () => {
    await put('a', 'bb', 'ccc');
    await makeSnapshot(store, MODEL, folder);
    await put('x');
    damage(`DELETE FROM change WHERE key = 4; INSERT INTO change VALUES (1, 4, 'upsert') ON CONFLICT DO NOTHING;
      UPDATE vector SET vector = (SELECT vector FROM vector WHERE id = 2) WHERE id = 1`);
    const index = (await verify()).find(({ check }) => check.startsWith('index'));
    expect(index?.problems).toEqual([
      expect.stringMatching(/^key 1 has another vector/),
      expect.stringMatching(/^key 4 is not in the index/),
      expect.stringMatching(/"name x" is not in the index/),
    ]);
  });

  it('finds a flipped bit in any file of an index, and one that cannot be read', async () => {
    await put('a', 'bb', 'ccc');
    await makeSnapshot(store, MODEL, folder);
    const [snapshot] = await listSnapshots(folder, 'm');
    for (const name of ['vectors.f32', 'keys', 'names.bin']) {
      const path = join(snapshot?.folder ?? '', name);
      const before = await readFile(path);
      const file = await open(path, 'r+');
      await file.write(Buffer.of((before[5] ?? 0) ^ 1), 0, 1, 5);
      await file.close();
      expect(await wrong()).toEqual([expect.stringMatching(`^index m-3: .*${name} is damaged`)]);
      await writeFile(path, before);
    }
    await writeFile(join(snapshot?.folder ?? '', 'manifest.json'), '{');
    expect(await wrong()).toEqual([expect.stringMatching(/^index m-3: Index manifest/)]);
  });
});
