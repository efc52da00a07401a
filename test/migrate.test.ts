import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contentHash } from '../libs/kb/content-hash.js';
import type { KbStore } from '../libs/kb/kb-store.js';
import { openCatalog } from '../libs/kb/open-catalog.js';
import type { StoreKind } from '../libs/kb/store-end.js';
import { inCluster, makeDatabase, type TestDatabase } from '../libs/kb/testing/postgres.js';
import { entity } from '../libs/kb/testing/records.js';
import { ReferentProcess } from './support/referent-process.js';

/** `referent migrate` as it is shipped, killed at many moments. Needs the built files (`npm test` makes them). */
const ENTITIES = 6_000;
const KILLS = 8;

let database: TestDatabase;
let dataDir: string;
let referent: ReferentProcess;
let wholeMs = 0;

beforeAll(async () => {
  database = await makeDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'referent-migrate-'));
  referent = new ReferentProcess({ REFERENT_DATA_DIR: dataDir, DATABASE_URL: database.url });
  await inStore('sqlite', 'big', fill);
}, 60_000);
afterAll(async () => {
  await database.remove();
  rmSync(dataDir, { recursive: true });
});

async function fill(store: KbStore): Promise<void> {
  const records = Array.from({ length: ENTITIES }, (_, at) =>
    entity({ id: `e${at}`, title: `thing ${at}`, aliases: [`alias ${at % 99}`] }),
  );
  await store.imports.begin();
  await store.imports.add(records);
  await store.vectors.put(
    'm',
    records.map((record, at) => ({
      contentHash: contentHash(record),
      vector: new Float32Array(64).fill(at),
    })),
  );
  await store.imports.commit();
  const [key = NaN] = (await store.changesSince(0, 1)).map((change) => change.key);
  await store.learned.learn([
    {
      hash: 'ab'.repeat(32),
      mentions: [{ name: 'it', key }],
      surfaces: [{ name: 'it', seen: 3, marked: 1 }],
    },
  ]);
}

async function inStore<T>(
  kind: StoreKind,
  name: string,
  work: (store: KbStore) => Promise<T>,
): Promise<T> {
  const databaseUrl = kind === 'postgres' ? database.url : null;
  const catalog = openCatalog({ dataDir, databaseUrl });
  try {
    return await work(await catalog.openOrCreate(name));
  } finally {
    await catalog.close();
  }
}

async function namesIn(kind: StoreKind): Promise<string[]> {
  const databaseUrl = kind === 'postgres' ? database.url : null;
  const catalog = openCatalog({ dataDir, databaseUrl });
  try {
    return (await catalog.list()).map(({ name }) => name);
  } finally {
    await catalog.close();
  }
}

async function drop(kind: StoreKind, name: string): Promise<void> {
  const databaseUrl = kind === 'postgres' ? database.url : null;
  const catalog = openCatalog({ dataDir, databaseUrl });
  await catalog.drop(name);
  await catalog.close();
}

const findingsOf = (kind: StoreKind) =>
  inStore(kind, 'big', async (store) => {
    const problems: string[] = [];
    for await (const finding of store.check.run()) problems.push(...finding.problems);
    return { ...(await store.info()), problems };
  });

const OTHER = { sqlite: 'postgres', postgres: 'sqlite' } as const;

it('says what is wrong with how it was called', async () => {
  const same = await referent.run('migrate', '--from', 'sqlite', '--to', 'sqlite');
  expect(same).toMatchObject({ code: 2, stderr: expect.stringMatching(/both sqlite/) });
  const without = new ReferentProcess({ REFERENT_DATA_DIR: dataDir, DATABASE_URL: '' });
  const nowhere = await without.run('migrate', '--from', 'sqlite', '--to', 'postgres');
  expect(nowhere).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/DATABASE_URL is not set/),
  });
  const unknown = await referent.run(
    'migrate',
    '--from',
    'sqlite',
    '--to',
    'postgres',
    '--kb',
    'x',
  );
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toMatch(/no knowledge base x/);
}, 60_000);

it.each(['sqlite', 'postgres'] as const)(
  'from %s: killed in the middle it leaves nothing that is seen, and the next run copies all',
  async (from) => {
    const to = OTHER[from];
    const args = ['migrate', '--from', from, '--to', to, '--json'];
    if (await namesIn(to).then((names) => names.includes('big'))) await drop(to, 'big');
    if (wholeMs === 0) {
      const start = performance.now();
      expect(await referent.run(...args)).toMatchObject({ code: 0 });
      wholeMs = performance.now() - start;
      await drop(to, 'big');
    }
    let killedInTime = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const { child, ended } = referent.start(...args);
      await Promise.race([ended, sleep((wholeMs * (kill + 0.5)) / KILLS)]);
      child.kill('SIGKILL');
      await ended;
      const names = await namesIn(to);
      if (names.length === 0) killedInTime++;
      else {
        expect(await findingsOf(to)).toMatchObject({ entities: ENTITIES, problems: [] });
        await drop(to, 'big');
      }
    }
    expect(killedInTime).toBeGreaterThan(0);
    const done = await referent.run(...args);
    expect(done).toMatchObject({ code: 0 });
    const { tables } = JSON.parse(done.stdout) as { tables: Record<string, { rows: number }> };
    expect(tables['entity']?.rows).toBe(ENTITIES);
    expect(tables['learnedName']?.rows).toBe(1);
    expect(await findingsOf(to)).toEqual(await findingsOf(from));
    const again = await referent.run(...args);
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/target has big already/),
    });
    expect(readdirSync(join(dataDir, 'kbs')).filter((entry) => entry.startsWith('.'))).toEqual([]);
    expect(existsSync(join(dataDir, 'kbs', 'big', 'store.sqlite'))).toBe(true);
  },
  300_000,
);

it('leaves no schema behind of the copies that were killed', async () => {
  await inCluster(
    database.url,
    `DO $$ BEGIN
       ASSERT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'referent\\_%') =
         (SELECT count(*) FROM referent.kb WHERE state = 'ready'), 'schemas of no KB';
     END $$`,
  );
});
