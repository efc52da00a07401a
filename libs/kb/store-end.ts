import { ReferentError } from '../contract/errors.js';
import type { KbDump, KbLoad } from './kb-dump.js';
import { assertKbName } from './kb-name.js';
import type { KbCatalog } from './kb-store.js';
import { openCatalog, type CatalogSettings } from './open-catalog.js';
import { PostgresCatalog } from './postgres-catalog.js';
import { PostgresDump } from './postgres-dump.js';
import { PostgresLoad } from './postgres-load.js';
import { SqliteCatalog } from './sqlite-catalog.js';
import { SqliteDump } from './sqlite-dump.js';
import { SqliteLoad } from './sqlite-load.js';

export const STORE_KINDS = ['sqlite', 'postgres'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** A place that KBs are copied from or to. */
export interface StoreEnd {
  readonly catalog: KbCatalog;
  readonly dump: (name: string) => Promise<KbDump>;
  /** @throws ReferentError `kb-exists` where there is a KB of that name. */
  readonly load: (name: string) => Promise<KbLoad>;
}

/** @throws ReferentError `invalid-input` where the settings do not say where PostgreSQL is. */
export function openEnd(kind: StoreKind, { dataDir, databaseUrl }: CatalogSettings): StoreEnd {
  if (kind === 'postgres' && databaseUrl === null) {
    throw new ReferentError(
      'invalid-input',
      'DATABASE_URL is not set: it says which PostgreSQL database, as postgres://user:password@host:5432/database',
    );
  }
  const catalog = openCatalog({ dataDir, databaseUrl: kind === 'postgres' ? databaseUrl : null });
  if (catalog instanceof PostgresCatalog) return postgresEnd(catalog);
  if (catalog instanceof SqliteCatalog) return sqliteEnd(catalog);
  throw new Error(`there is no way to copy from or to ${kind}`);
}

export async function hasKb(catalog: KbCatalog, name: string): Promise<boolean> {
  try {
    await catalog.open(name);
    return true;
  } catch (error) {
    if (error instanceof ReferentError && error.code === 'kb-not-found') return false;
    throw error;
  }
}

function sqliteEnd(catalog: SqliteCatalog): StoreEnd {
  return {
    catalog,
    dump: async (name) => {
      await catalog.open(name);
      return SqliteDump.open(catalog.folder(name), name);
    },
    load: async (name) => {
      await assertFree(catalog, name);
      return SqliteLoad.begin(catalog.root, name);
    },
  };
}

function postgresEnd(catalog: PostgresCatalog): StoreEnd {
  return {
    catalog,
    dump: async (name) => PostgresDump.open((await catalog.open(name)).kb),
    load: async (name) => {
      await assertFree(catalog, name);
      return PostgresLoad.begin(catalog.database, name);
    },
  };
}

async function assertFree(catalog: KbCatalog, name: string): Promise<void> {
  assertKbName(name);
  if (!(await hasKb(catalog, name))) return;
  throw new ReferentError(
    'kb-exists',
    `there is a knowledge base ${name} in the target already; drop it there first, or leave it out with --kb`,
  );
}
