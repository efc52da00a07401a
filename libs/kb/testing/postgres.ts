import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { sharedPostgres, uniqueName } from '../../../test/support/services.js';
import { PostgresCatalog } from '../postgres-catalog.js';
import type { CatalogUnderTest } from './subject.js';

export interface TestDatabase {
  readonly url: string;
  readonly remove: () => Promise<void>;
}

/** An empty database in the cluster at that address. */
export async function makeDatabase(cluster = sharedPostgres()): Promise<TestDatabase> {
  const name = uniqueName();
  const url = new URL(cluster);
  url.pathname = `/${name}`;
  await inCluster(cluster, `CREATE DATABASE ${name}`);
  const remove = () => inCluster(cluster, `DROP DATABASE ${name} WITH (FORCE)`);
  return { url: url.href, remove };
}

/** Runs one statement on a connection of its own. */
export async function inCluster(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export async function postgresUnderTest(): Promise<CatalogUnderTest & { readonly url: string; readonly dataDir: string }> {
  const { url, remove } = await makeDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'referent-kb-'));
  const catalogs = [new PostgresCatalog({ databaseUrl: url, dataDir })];
  const another = () => {
    const catalog = new PostgresCatalog({ databaseUrl: url, dataDir });
    catalogs.push(catalog);
    return catalog;
  };
  const [catalog = another()] = catalogs;
  const removeAll = async () => {
    for (const each of catalogs) await each.close();
    await remove();
    rmSync(dataDir, { recursive: true });
  };
  return { catalog, another, remove: removeAll, url, dataDir };
}
