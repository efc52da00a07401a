import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { sharedPostgres, uniqueName } from '../../../test/support/services.js';
import type { BatchStore } from '../batch-store.js';
import { openBatchStore } from '../sql-batch-store.js';

/** A place for batches, and as many stores over it as there would be processes. */
export interface BatchPlace {
  readonly open: (now: () => number) => Promise<BatchStore>;
  readonly remove: () => Promise<void>;
}

async function sqlite(): Promise<BatchPlace> {
  const dataDir = await mkdtemp(join(tmpdir(), 'referent-batch-'));
  return {
    open: (now) => openBatchStore({ dataDir, databaseUrl: null, resultsHours: 24 }, now),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  };
}

async function postgres(): Promise<BatchPlace> {
  const name = uniqueName();
  const inServer = async (statement: string) => {
    const client = new Client({ connectionString: sharedPostgres() });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await inServer(`CREATE DATABASE ${name}`);
  const url = new URL(sharedPostgres());
  url.pathname = `/${name}`;
  return {
    open: (now) =>
      openBatchStore({ dataDir: tmpdir(), databaseUrl: url.href, resultsHours: 24 }, now),
    remove: () => inServer(`DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** Where batches can be kept, by name. */
export const batchPlaces: readonly (readonly [string, () => Promise<BatchPlace>])[] = [
  ['SQLite', sqlite],
  ['PostgreSQL', postgres],
];
