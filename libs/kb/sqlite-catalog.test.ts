import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kbStoreContract } from './kb-store.contract.js';
import { SqliteCatalog } from './sqlite-catalog.js';
import { SqliteConnection } from './sqlite-driver.js';
import { entity, importAll } from './testing/records.js';

kbStoreContract('SQLite', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'referent-kb-'));
  const catalogs = [new SqliteCatalog({ dataDir })];
  const another = () => {
    const catalog = new SqliteCatalog({ dataDir });
    catalogs.push(catalog);
    return catalog;
  };
  const remove = async () => {
    for (const catalog of catalogs) await catalog.close();
    rmSync(dataDir, { recursive: true });
  };
  const [catalog = another()] = catalogs;
  return Promise.resolve({ catalog, another, remove });
});

describe('SqliteCatalog', () => {
  let dataDir: string;
  let catalog: SqliteCatalog;
  const file = (name: string) => join(dataDir, 'kbs', 'demo', name);

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'referent-kb-'));
    catalog = new SqliteCatalog({ dataDir });
    mkdirSync(join(dataDir, 'kbs', 'demo'), { recursive: true });
  });
  afterEach(async () => {
    await catalog.close();
    rmSync(dataDir, { recursive: true });
  });

  it('refuses a file that is no database, and lists it with its problem beside the good ones', async () => {
    writeFileSync(file('store.sqlite'), 'no database at all '.repeat(500));
    await importAll(await catalog.openOrCreate('good'), [entity({ id: 'x' })]);
    await expect(catalog.open('demo')).rejects.toMatchObject({ code: 'store-invalid' });
    const [broken, good] = await catalog.list();
    expect(broken).toMatchObject({ name: 'demo', entities: 0 });
    expect(broken?.problem).toMatch(/not a store .*store\.sqlite.*import it again/);
    expect(good).toMatchObject({ name: 'good', entities: 1 });
    expect(good?.problem).toBeUndefined();
  });

  it('refuses a damaged store when it meets the damage', async () => {
    const store = await catalog.openOrCreate('demo');
    await importAll(store, Array.from({ length: 500 }, (_, at) => entity({ id: `e${at}` })));
    await catalog.close();
    const bytes = readFileSync(file('store.sqlite'));
    writeFileSync(file('store.sqlite'), bytes.fill(0xa5, 3 * 8192));
    const read = async () => (await catalog.open('demo')).entities.byKeys([1, 250, 500]);
    await expect(read()).rejects.toMatchObject({ code: 'store-invalid' });
  });

  it("leaves somebody else's database alone", async () => {
    const foreign = SqliteConnection.open(file('store.sqlite'));
    foreign.exec('CREATE TABLE invoice (id)');
    foreign.close();
    await expect(catalog.openOrCreate('demo')).rejects.toMatchObject({ code: 'store-invalid' });
    await expect(catalog.openOrCreate('demo')).rejects.toThrow(/something else/);
  });

  it('refuses the schema of a later release', async () => {
    await catalog.openOrCreate('demo');
    await catalog.close();
    const later = SqliteConnection.open(file('store.sqlite'));
    later.exec("INSERT INTO migration VALUES (99, '2099-01-01')");
    later.close();
    await expect(catalog.open('demo')).rejects.toMatchObject({ code: 'store-invalid' });
    await expect(catalog.open('demo')).rejects.toThrow(/newer release/);
  });

  it('says disk-full where the store may not grow, stays as it was, and goes on when there is room', async () => {
    const small = new SqliteCatalog({ dataDir, maxBytesPerKb: 700_000 });
    const store = await small.openOrCreate('demo');
    await importAll(store, [entity({ id: 'x' })]);
    const big = Array.from({ length: 2_000 }, (_, at) =>
      entity({ id: `e${at}`, description: `${at} `.repeat(100) }),
    );
    await store.imports.begin();
    await store.imports.add(big);
    await expect(store.imports.commit()).rejects.toMatchObject({ code: 'disk-full' });
    await store.imports.discard();
    expect(await store.info()).toMatchObject({ entities: 1, sequence: 1 });
    expect((await store.entities.byIds(['x'])).size).toBe(1);
    await small.close();
    const store2 = await catalog.open('demo');
    expect(await importAll(store2, big)).toMatchObject({ added: 2_000 });
    expect((await store2.names.lexical({ mention: ['1999'], context: [] }, 3)).length).toBe(1);
  });

  it('removes its staging file when an import ends, however it ends', async () => {
    const store = await catalog.openOrCreate('demo');
    await store.imports.begin();
    expect(existsSync(file('staging.sqlite'))).toBe(true);
    await store.imports.discard();
    expect(existsSync(file('staging.sqlite'))).toBe(false);
    await importAll(store, [entity({ id: 'x' })]);
    expect(readdirSync(join(dataDir, 'kbs', 'demo'))).not.toContain('staging.sqlite');
  });

  it('makes a store of an empty file, as a crash between creating and filling it leaves', async () => {
    writeFileSync(file('store.sqlite'), '');
    expect(await (await catalog.open('demo')).info()).toMatchObject({ entities: 0 });
  });

  it('refuses an empty file beside an index, lists it with its problem, and does not import into it', async () => {
    writeFileSync(file('store.sqlite'), '');
    mkdirSync(file('index'));
    for (const open of [catalog.open('demo'), catalog.openOrCreate('demo')]) {
      await expect(open).rejects.toMatchObject({ code: 'store-invalid' });
    }
    const [damaged] = await catalog.list();
    expect(damaged?.problem).toMatch(/damaged store: .*store\.sqlite is empty.*import again/);
  });

  it('makes a KB whose file is gone anew, without the index of the old one', async () => {
    mkdirSync(file('index'));
    expect(await importAll(await catalog.openOrCreate('demo'), [entity({ id: 'x' })])).toMatchObject({ added: 1 });
    expect(existsSync(file('index'))).toBe(false);
  });

  it.each(['removed and imported again', 'replaced by a copy of another'])(
    'gives the new store where the folder was %s, and refuses what the old one is still asked',
    async (how) => {
      const old = await catalog.openOrCreate('demo');
      await importAll(old, [entity({ id: 'old' })]);
      const other = new SqliteCatalog({ dataDir });
      if (how.startsWith('removed')) {
        rmSync(join(dataDir, 'kbs', 'demo'), { recursive: true });
        await importAll(await other.openOrCreate('demo'), [entity({ id: 'new' })]);
      } else {
        await importAll(await other.openOrCreate('copy'), [entity({ id: 'new' })]);
        await other.close();
        rmSync(file('store.sqlite-wal'), { force: true });
        rmSync(file('store.sqlite-shm'), { force: true });
        renameSync(join(dataDir, 'kbs', 'copy', 'store.sqlite'), file('store.sqlite'));
      }
      expect(await catalog.list()).toMatchObject([{ name: 'demo', entities: 1 }]);
      const now = await catalog.open('demo');
      expect([...(await now.entities.byIds(['old', 'new'])).keys()]).toEqual(['new']);
      await expect(old.entities.byIds(['old'])).rejects.toMatchObject({ code: 'not-ready' });
      await expect(old.info()).rejects.toMatchObject({ code: 'not-ready' });
      expect(await catalog.open('demo')).toBe(now);
      // Closing the old store must not have taken the new one's write-ahead log away.
      await catalog.close();
      await other.close();
      const after = await new SqliteCatalog({ dataDir }).open('demo');
      expect((await after.entities.byIds(['new'])).size).toBe(1);
      await after.close();
    },
  );

  it('closes a store whose folder is gone', async () => {
    const store = await catalog.openOrCreate('demo');
    await importAll(store, [entity({ id: 'x' })]);
    rmSync(join(dataDir, 'kbs', 'demo'), { recursive: true });
    expect(await catalog.list()).toEqual([]);
    await expect(store.info()).rejects.toMatchObject({ code: 'not-ready' });
    await expect(catalog.open('demo')).rejects.toMatchObject({ code: 'kb-not-found' });
  });

  it('removes an unused KB, and none that has entities, vectors or an import', async () => {
    const folder = join(dataDir, 'kbs', 'demo');
    const store = await catalog.openOrCreate('demo');
    await store.imports.begin();
    await catalog.dropIfUnused('demo');
    expect(existsSync(folder)).toBe(true);
    await store.imports.discard();
    await catalog.dropIfUnused('demo');
    expect(existsSync(folder)).toBe(false);

    const encoded = await catalog.openOrCreate('demo');
    const contentHash = 'ab'.repeat(32);
    await encoded.vectors.put('m', [{ contentHash, vector: new Float32Array(4) }]);
    await importAll(await catalog.openOrCreate('full'), [entity({ id: 'x' })]);
    for (const name of ['demo', 'full']) await catalog.dropIfUnused(name);
    expect(readdirSync(join(dataDir, 'kbs'))).toEqual(['demo', 'full']);
  });

  it('says which data folder cannot be one, and what to do', async () => {
    writeFileSync(file('plain'), '');
    const wrong = new SqliteCatalog({ dataDir: file('plain') });
    for (const use of [wrong.list(), wrong.open('x'), wrong.openOrCreate('x')]) {
      await expect(use).rejects.toMatchObject({
        code: 'store-invalid',
        message: expect.stringMatching(/data folder .*plain cannot be used .*REFERENT_DATA_DIR/),
      });
    }
  });
});
