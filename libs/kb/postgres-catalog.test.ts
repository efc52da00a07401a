import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { kbStoreContract } from './kb-store.contract.js';
import { PostgresCatalog } from './postgres-catalog.js';
import { inCluster, makeDatabase, postgresUnderTest, type TestDatabase } from './testing/postgres.js';
import { entity, importAll } from './testing/records.js';

kbStoreContract('PostgreSQL', postgresUnderTest);

describe('PostgresCatalog', () => {
  let database: TestDatabase;
  let dataDir: string;
  let catalogs: PostgresCatalog[];
  let catalog: PostgresCatalog;
  const open = (databaseUrl = database.url) => {
    const made = new PostgresCatalog({ databaseUrl, dataDir });
    catalogs.push(made);
    return made;
  };
  /** Runs a statement as another program would. */
  const change = (statement: string) => inCluster(database.url, statement);

  beforeEach(async () => {
    database = await makeDatabase();
    dataDir = mkdtempSync(join(tmpdir(), 'referent-kb-'));
    catalogs = [];
    catalog = open();
  });
  afterEach(async () => {
    for (const each of catalogs) await each.close();
    await database.remove();
    rmSync(dataDir, { recursive: true });
  });

  it('is made once, and a KB in it once, where many processes begin at the same time', async () => {
    const many = Array.from({ length: 8 }, () => open());
    const stores = await Promise.all(many.map((each) => each.openOrCreate('demo')));
    expect(new Set(stores.map(({ kb }) => kb.identity.id)).size).toBe(1);
    await importAll(stores[0] ?? (await catalog.openOrCreate('demo')), [entity({ id: 'x' })]);
    for (const store of stores) expect(await store.info()).toMatchObject({ entities: 1 });
  });

  it('keeps names apart that read alike, and takes the longest', async () => {
    const long = 'x'.repeat(64);
    for (const name of ['a.b', 'a-b', 'a_b', long, `${'x'.repeat(63)}y`]) {
      await importAll(await catalog.openOrCreate(name), [entity({ id: name })]);
    }
    const kbs = await open().list();
    expect(kbs.map(({ name, entities }) => [name, entities])).toEqual(
      ['a-b', 'a.b', 'a_b', long, `${'x'.repeat(63)}y`].map((name) => [name, 1]),
    );
  });

  it('gives the new store where another process dropped the KB and made it anew, and refuses the old one', async () => {
    const old = await catalog.openOrCreate('demo');
    await importAll(old, [entity({ id: 'old' })]);
    const oldFolder = catalog.derivedFolder('demo');
    const other = open();
    await other.drop('demo');
    await importAll(await other.openOrCreate('demo'), [entity({ id: 'new' })]);
    for (const asked of [old.info(), old.entities.byIds(['old']), old.imports.begin()]) {
      await expect(asked).rejects.toMatchObject({ code: 'not-ready' });
    }
    expect(await catalog.list()).toMatchObject([{ name: 'demo', entities: 1 }]);
    const now = await catalog.open('demo');
    expect(now).not.toBe(old);
    expect([...(await now.entities.byIds(['old', 'new'])).keys()]).toEqual(['new']);
    expect(await catalog.open('demo')).toBe(now);
    expect(catalog.derivedFolder('demo')).not.toBe(oldFolder);
  });

  it('refuses what is still asked of a store when its KB is gone', async () => {
    const store = await catalog.openOrCreate('demo');
    await importAll(store, [entity({ id: 'x' })]);
    await open().drop('demo');
    await expect(store.entities.byIds(['x'])).rejects.toMatchObject({ code: 'not-ready' });
    await expect(store.learned.forget()).rejects.toMatchObject({ code: 'not-ready' });
    expect(await catalog.list()).toEqual([]);
    await expect(catalog.open('demo')).rejects.toMatchObject({ code: 'kb-not-found' });
  });

  it('leaves nothing of a dropped KB, neither in the database nor of its index here', async () => {
    await importAll(await catalog.openOrCreate('demo'), [entity({ id: 'x' })]);
    const folder = catalog.derivedFolder('demo');
    mkdirSync(folder, { recursive: true });
    await catalog.drop('demo');
    expect(existsSync(folder)).toBe(false);
    const left = await catalog.database.rows(
      `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'referent\\_%'`,
    );
    expect(left).toEqual([]);
  });

  it('removes an unused KB, and none that has entities, vectors or an import', async () => {
    const store = await catalog.openOrCreate('demo');
    await store.imports.begin();
    await catalog.dropIfUnused('demo');
    await store.imports.discard();
    expect(await open().open('demo')).toBeDefined();
    await catalog.dropIfUnused('demo');
    await expect(catalog.open('demo')).rejects.toMatchObject({ code: 'kb-not-found' });
    const encoded = await catalog.openOrCreate('encoded');
    const row = { contentHash: 'ab'.repeat(32), vector: new Float32Array(4) };
    await encoded.vectors.put('m', [row]);
    await importAll(await catalog.openOrCreate('full'), [entity({ id: 'x' })]);
    for (const name of ['encoded', 'full']) {
      await catalog.dropIfUnused(name);
      expect(await open().open(name)).toBeDefined();
    }
  });

  it('lists a KB whose schema is gone, or of a later release, with its problem beside the good ones', async () => {
    for (const name of ['damaged', 'good', 'later']) {
      await importAll(await catalog.openOrCreate(name), [entity({ id: 'x' })]);
    }
    const { kb } = await catalog.open('damaged');
    await change(`DROP SCHEMA ${kb.identity.schema} CASCADE`);
    await change(`UPDATE referent.kb SET version = 99 WHERE name = 'later'`);
    const [damaged, good, later] = await open().list();
    expect(damaged?.problem).toMatch(/schema is gone.*restore/);
    expect(good).toMatchObject({ name: 'good', entities: 1 });
    expect(later?.problem).toMatch(/newer release/);
    await expect(open().open('later')).rejects.toMatchObject({ code: 'store-invalid' });
  });

  it('refuses a catalog of a later release, and a schema of somebody else', async () => {
    await catalog.list();
    await change(`INSERT INTO referent.migration VALUES (99, '2099-01-01')`);
    await expect(open().list()).rejects.toThrow(/newer release/);
    await change('DROP SCHEMA referent CASCADE; CREATE SCHEMA referent');
    await expect(open().list()).rejects.toThrow(/something else/);
  });

  it.each([
    ['where nobody listens', 'not-ready', { port: '1' }],
    ['without that database', 'store-invalid', { pathname: '/nowhere' }],
    ['without that user', 'store-invalid', { username: 'nobody-there' }],
  ])('says what to do %s, and never the password', async (_where, code, part) => {
    const url = Object.assign(new URL(database.url), { password: 'secret-word', ...part });
    const failed = await open(url.href).list().catch((error: unknown) => error); // prettier-ignore
    expect(failed).toMatchObject({ code });
    expect(String(failed)).toMatch(/PostgreSQL database/);
    expect(inspect(failed, { depth: 5 })).not.toContain('secret-word');
  });

  it('refuses an address that is none without repeating it', () => {
    expect(() => open('postgres://u:secret-word@[bad')).toThrow(/DATABASE_URL cannot be read/);
    expect(() => open('postgres://u:secret-word@[bad')).not.toThrow(/secret-word/);
  });

  it('ends an import whose connection is lost, and leaves the KB as it was', async () => {
    const store = await catalog.openOrCreate('demo');
    await importAll(store, [entity({ id: 'x' })]);
    await store.imports.begin();
    await store.imports.add([entity({ id: 'y' })]);
    await store.imports.preview();
    await change(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`);
    await expect(store.imports.commit()).rejects.toMatchObject({ code: 'not-ready' });
    await store.imports.discard();
    expect(await store.info()).toMatchObject({ entities: 1, sequence: 1 });
    expect(await importAll(store, [entity({ id: 'y' })])).toMatchObject({ added: 1 });
  });

  it('tells followers of every change in order, while many write in two processes', async () => {
    const stores = [await catalog.openOrCreate('demo'), await open().openOrCreate('demo')];
    const vector = new Float32Array([1]);
    const [first] = stores;
    if (first === undefined) throw new Error('no store');
    const records = Array.from({ length: 120 }, (_, at) => entity({ id: `e${at}` }));
    await first.imports.begin();
    const { contentHashes } = await first.imports.add(records);
    await first.imports.discard();
    await first.vectors.put('m', contentHashes.map((contentHash) => ({ contentHash, vector }))); // prettier-ignore
    let writing = true;
    const seen: number[] = [];
    const follow = async () => {
      for (let last = 0; ;) {
        const isLast = !writing;
        const changes = await first.changesSince(last, 7);
        seen.push(...changes.map(({ sequence }) => sequence));
        last = changes.at(-1)?.sequence ?? last;
        if (isLast && changes.length === 0) return;
      }
    };
    const following = follow();
    await Promise.all(
      records.map((record, at) =>
        (stores[at % 2] ?? first).writes.write([{ id: record.id, record, expected: { state: 'any' } }], {
          modelVersion: 'm',
        }),
      ),
    );
    writing = false;
    await following;
    expect(seen).toEqual(Array.from({ length: 120 }, (_, at) => at + 1));
  });
});
