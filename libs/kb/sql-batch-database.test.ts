import { expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { annotateOptions } from '../contract/annotate.js';
import { sharedPostgres, uniqueName } from '../../test/support/services.js';
import { openBatchStore } from './sql-batch-store.js';

const settings = { dataDir: tmpdir(), resultsHours: 1 };

async function inServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: sharedPostgres() });
  await client.connect();
  await client.query(statement);
  await client.end();
}

it('says that PostgreSQL is not there', async () => {
  const databaseUrl = 'postgres://me:secret@127.0.0.1:1/none';
  const opening = openBatchStore({ ...settings, databaseUrl });
  await expect(opening).rejects.toMatchObject({ code: 'not-ready' });
  await expect(opening).rejects.not.toThrow(/secret/);
});

it('loses no more than a statement with a connection', async () => {
  const name = uniqueName();
  await inServer(`CREATE DATABASE ${name}`);
  const url = new URL(sharedPostgres());
  url.pathname = `/${name}`;
  const store = await openBatchStore({ ...settings, databaseUrl: url.href });
  await store.list({ limit: 1 });
  await inServer(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
  await store.list({ limit: 1 }).catch((error: unknown) => {
    expect(error).toMatchObject({ code: 'not-ready' });
  });
  expect(await store.list({ limit: 1 })).toEqual([]);
  await store.close();
  await inServer(`DROP DATABASE ${name} WITH (FORCE)`);
});

it('opens what an earlier process left, and migrates it once', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'referent-batch-'));
  const open = () => openBatchStore({ dataDir, databaseUrl: null, resultsHours: 1 });
  const first = await open();
  await first.intake.begin({ id: 'a', kb: 'demo', options: annotateOptions.parse({}), owner: null });
  await first.intake.add('a', [[{ line: 1, document: { id: 'x', text: '' } }]]);
  await first.intake.accept('a', null);
  await first.close();
  const second = await open();
  expect(await second.get('a')).toMatchObject({ total: 1 });
  await second.close();
  await rm(dataDir, { recursive: true, force: true });
});
