import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyKb, type CopyReport } from './copy-kb.js';
import { contentHash } from './content-hash.js';
import { DUMP_TABLES, KbLoad, type DumpedRows, type DumpTable } from './kb-dump.js';
import type { KbStore } from './kb-store.js';
import { openEnd, type StoreEnd, type StoreKind } from './store-end.js';
import { inCluster, makeDatabase, type TestDatabase } from './testing/postgres.js';
import { collect, entity, importAll } from './testing/records.js';

const MODEL = 'm@1';
const records = [
  entity({
    id: 'mercury "q" \\ \' 🦊',
    title: 'Mercury (planet)',
    aliases: ['Mercury', { name: 'Hermes', prior: 0.125 }, '{a,"b"}', 'NULL', 'back\\slash'],
    description: 'The smallest planet\nof the Solar System.',
    types: ['planet'],
    prior: 3.1,
    data: { nested: { nul: 'a\0b', list: [1, null, true] } },
  }),
  entity({ id: 'odd', title: '++', aliases: ['\u0301x', '-'] }),
  entity({ id: 'long', title: 'y'.repeat(1_000), aliases: ['ä'.repeat(2_000)] }),
  ...Array.from({ length: 2_500 }, (_, at) => entity({ id: `e${at}`, title: `thing ${at % 50}` })),
];

const vectorOf = (at: number) => new Float32Array([at, 0.5, -1e-30, Math.PI]);

/** A KB with something in every table. */
async function fill(store: KbStore): Promise<void> {
  await importAll(store, records);
  const rows = records.map((record, at) => ({
    contentHash: contentHash(record),
    vector: vectorOf(at),
  }));
  await store.vectors.put(MODEL, rows);
  await store.vectors.put('other', rows.slice(0, 10));
  const changed = entity({ id: 'e1', title: 'changed', aliases: ['once more'] });
  await store.vectors.put(MODEL, [{ contentHash: contentHash(changed), vector: vectorOf(1) }]);
  await store.writes.write(
    [
      { id: 'e1', record: changed, expected: { state: 'present' } },
      { id: 'e2', record: null, expected: { state: 'any' } },
    ],
    { modelVersion: MODEL },
  );
  const [key = NaN] = Array.from((await store.entities.byIds(['odd'])).values(), (one) => one.key);
  await store.learned.learn([
    {
      hash: 'ab'.repeat(32),
      mentions: [{ name: 'plus plus', key }, { name: 'plus plus', key: null }], // prettier-ignore
      surfaces: [{ name: 'plus plus', seen: 9, marked: 2 }],
    },
  ]);
  await store.models.begin({ target: 'next', model: 'folder' }, MODEL);
  await store.models.stop('no room');
}

/** What a reader of the KB sees. */
async function seen(store: KbStore) {
  const names = ['mercury', 'hermes', 'plus plus', '++', 'ä'.repeat(2_000), 'null', 'thing 7'];
  return {
    info: await store.info(),
    entities: await store.entities.byKeys(range(records.length + 5)),
    hits: await store.names.exact(names),
    allNames: (await collect(store.names.scan({ withStaged: false }))).toSorted(),
    changes: await store.changesSince(0, 10_000),
    vectors: await store.vectors.ofKeys(MODEL, range(40)),
    models: await store.vectors.models(),
    state: await store.models.state(),
    totals: await store.learned.totals(),
    surfaces: await store.learned.surfaces(['plus plus']),
    planets: await store.names.lexical({ mention: ['smallest', 'planet'], context: [] }, 5).then((found) => found.map(({ key }) => key)), // prettier-ignore
  };
}

const range = (count: number) => Array.from({ length: count }, (_, at) => at);

async function copy(from: StoreEnd, to: StoreEnd, name = 'demo'): Promise<CopyReport> {
  const source = await from.dump(name);
  const target = await to.load(name);
  try {
    return await copyKb(source, target);
  } finally {
    await target.close();
    await source.close();
  }
}

describe('copying a KB', () => {
  let database: TestDatabase;
  let dataDir: string;
  let ends: Record<StoreKind, StoreEnd>;
  const open = (kind: StoreKind) => openEnd(kind, { dataDir, databaseUrl: database.url });

  beforeEach(async () => {
    database = await makeDatabase();
    dataDir = mkdtempSync(join(tmpdir(), 'referent-copy-'));
    ends = { sqlite: open('sqlite'), postgres: open('postgres') };
  });
  afterEach(async () => {
    await ends.sqlite.catalog.close();
    await ends.postgres.catalog.close();
    await database.remove();
    rmSync(dataDir, { recursive: true });
  });

  it.each([
    ['sqlite', 'postgres'],
    ['postgres', 'sqlite'],
  ] as const)('from %s to %s keeps all that a reader sees', async (from, to) => {
    const original = await ends[from].catalog.openOrCreate('demo');
    await fill(original);
    const before = await seen(original);
    const report = await copy(ends[from], ends[to]);
    expect(report).toMatchObject({ entities: records.length - 1, sequence: before.info.sequence });
    for (const table of DUMP_TABLES) expect(report.tables[table].rows).toBeGreaterThan(0);
    expect(await seen(await ends[to].catalog.open('demo'))).toEqual(before);
    expect(await seen(original)).toEqual(before);
  });

  it('there and back again is the same in every table, and can be written to', async () => {
    const original = await ends.sqlite.catalog.openOrCreate('demo');
    await fill(original);
    const there = await copy(ends.sqlite, ends.postgres);
    await ends.sqlite.catalog.drop('demo');
    expect(await copy(ends.postgres, ends.sqlite)).toEqual(there);
    for (const { catalog } of [ends.sqlite, ends.postgres]) {
      const store = await catalog.open('demo');
      expect(await importAll(store, records)).toMatchObject({ added: 1, changed: 1 });
      for await (const { problems } of store.check.run()) expect(problems).toEqual([]);
    }
  });

  it.each(['sqlite', 'postgres'] as const)('refuses a name that %s has, and leaves it be', async (to) => {
    const from = to === 'sqlite' ? 'postgres' : 'sqlite';
    await importAll(await ends[from].catalog.openOrCreate('demo'), [entity({ id: 'new' })]);
    await importAll(await ends[to].catalog.openOrCreate('demo'), [entity({ id: 'old' })]);
    await expect(ends[to].load('demo')).rejects.toMatchObject({ code: 'kb-exists' });
    const store = await ends[to].catalog.open('demo');
    expect([...(await store.entities.byIds(['new', 'old'])).keys()]).toEqual(['old']);
  });

  it.each(['sqlite', 'postgres'] as const)('refuses where %s got a KB of that name meanwhile', async (to) => {
    const from = to === 'sqlite' ? 'postgres' : 'sqlite';
    await importAll(await ends[from].catalog.openOrCreate('demo'), [entity({ id: 'new' })]);
    const source = await ends[from].dump('demo');
    const target = await ends[to].load('demo');
    await importAll(await ends[to].catalog.openOrCreate('demo'), [entity({ id: 'old' })]);
    await expect(copyKb(source, target)).rejects.toMatchObject({ code: 'kb-exists' });
    await target.close();
    await source.close();
    const store = await ends[to].catalog.open('demo');
    expect([...(await store.entities.byIds(['new', 'old'])).keys()]).toEqual(['old']);
  });

  it.each(['sqlite', 'postgres'] as const)('lets nobody import into or write to %s meanwhile', async (from) => {
    const store = await ends[from].catalog.openOrCreate('demo');
    await importAll(store, [entity({ id: 'x' })]);
    const source = await ends[from].dump('demo');
    const busy = { code: 'busy' };
    await expect(store.imports.begin()).rejects.toMatchObject(busy);
    const writes = [{ id: 'x', record: null, expected: { state: 'any' } as const }];
    await expect(store.writes.write(writes, { modelVersion: MODEL })).rejects.toMatchObject(busy);
    await source.close();
    await store.writes.write(writes, { modelVersion: MODEL });
    expect(await store.info()).toMatchObject({ entities: 0 });
  });

  it.each(['sqlite', 'postgres'] as const)('shows nothing of a copy into %s that stores something else', async (to) => {
    const from = to === 'sqlite' ? 'postgres' : 'sqlite';
    await fill(await ends[from].catalog.openOrCreate('demo'));
    const source = await ends[from].dump('demo');
    const target = new Careless(await ends[to].load('demo'));
    await expect(copyKb(source, target)).rejects.toMatchObject({
      code: 'store-invalid',
      message: expect.stringMatching(/differs from its source in vector \(\d+ rows, \d+ arrived\), and/), // prettier-ignore
    });
    await target.close();
    await source.close();
    expect(await ends[to].catalog.list()).toEqual([]);
    if (to === 'sqlite') expect(readdirSync(join(dataDir, 'kbs'))).toEqual([]);
    else expect(await schemasIn(database.url)).toEqual(1);
  });

  it('takes away what an earlier copy left that was killed', async () => {
    await importAll(await ends.sqlite.catalog.openOrCreate('demo'), [entity({ id: 'x' })]);
    const dead = await ends.postgres.load('demo');
    await dead.write('entity', [[7, JSON.stringify(entity({ id: 'dead' })), 'ab'.repeat(32), []]]);
    await inCluster(database.url, KILL_OTHERS);
    expect(await ends.postgres.catalog.list()).toEqual([]);
    await copy(ends.sqlite, ends.postgres);
    const store = await ends.postgres.catalog.open('demo');
    expect([...(await store.entities.byIds(['x', 'dead'])).keys()]).toEqual(['x']);
    expect(await schemasIn(database.url)).toBe(2);
    expect(existsSync(join(dataDir, 'kbs', 'demo'))).toBe(true);
  });
});

/** Loses the last bit of a vector. */
class Careless extends KbLoad {
  constructor(private readonly inner: KbLoad) {
    super();
  }
  override write<T extends DumpTable>(table: T, rows: readonly DumpedRows[T][]): Promise<void> {
    return this.inner.write(table, rows.map((row) => bent(table, row))); // prettier-ignore
  }
  override complete: KbLoad['complete'] = (state) => this.inner.complete(state);
  override readBack: KbLoad['readBack'] = () => this.inner.readBack();
  override publish: KbLoad['publish'] = () => this.inner.publish();
  override close: KbLoad['close'] = () => this.inner.close();
}

function bent<T extends DumpTable>(table: T, row: DumpedRows[T]): DumpedRows[T] {
  if (table !== 'vector') return row;
  const [version, hash, bytes] = row as DumpedRows['vector'];
  const other = Buffer.from(bytes);
  other[0] = (other[0] ?? 0) ^ 1;
  return [version, hash, other] as unknown as DumpedRows[T];
}

const KILL_OTHERS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;

async function schemasIn(url: string): Promise<number> {
  const { PgDatabase } = await import('./postgres-driver.js');
  const connections = new PgDatabase(url);
  const count = await connections.value(
    `SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'referent%'`,
  );
  await connections.close();
  return Number(count);
}
