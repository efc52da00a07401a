import {
  Kysely,
  PostgresDialect,
  sql,
  type PostgresPool,
  type PostgresPoolClient,
} from 'kysely';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'pg';
import type { CatalogSettings } from './open-catalog.js';
import { PatientSqliteDialect } from './patient-sqlite.js';
import { mapPostgresError } from './postgres-errors.js';
import { BATCH_MIGRATIONS, type BatchDatabase, type BatchTables } from './sql-batch-tables.js';
import { SqliteConnection } from './sqlite-driver.js';

/** The two places where batches are kept, and what differs between them. */
export interface OpenedBatchDatabase {
  readonly database: BatchDatabase;
  /** Runs work whose commits survive a power cut. */
  readonly durably: <T>(work: (database: BatchDatabase) => Promise<T>) => Promise<T>;
  /** Gives freed space back. */
  readonly shrink: () => Promise<void>;
}

/** SQLite in the data folder, or the schema `referent` of PostgreSQL, which several machines share. */
export async function openBatchDatabase(settings: CatalogSettings): Promise<OpenedBatchDatabase> {
  return settings.databaseUrl === null
    ? openSqlite(settings.dataDir)
    : openPostgres(settings.databaseUrl);
}

function openSqlite(dataDir: string): OpenedBatchDatabase {
  mkdirSync(dataDir, { recursive: true });
  const connection = SqliteConnection.open(join(dataDir, 'jobs.sqlite'));
  connection.exec('PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL');
  connection.exec('PRAGMA journal_mode = WAL');
  connection.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864');
  migrateSqlite(connection);
  const database = new Kysely<BatchTables>({
    dialect: new PatientSqliteDialect(connection),
  });
  return {
    database,
    durably: (work) =>
      database.connection().execute(async (one) => {
        connection.exec('PRAGMA synchronous = FULL');
        try {
          return await work(one);
        } finally {
          connection.exec('PRAGMA synchronous = NORMAL');
        }
      }),
    // Not as a prepared statement, which would stand still, with the write lock, after the first page.
    shrink: () =>
      database.connection().execute(async () => {
        connection.exec('PRAGMA incremental_vacuum(4096)');
        await Promise.resolve();
      }),
  };
}

function migrateSqlite(connection: SqliteConnection): void {
  connection.transaction(() => {
    const applied = Number(connection.value('PRAGMA user_version') ?? 0);
    for (const statement of BATCH_MIGRATIONS.slice(applied).flat()) connection.exec(statement);
    connection.exec(`PRAGMA user_version = ${BATCH_MIGRATIONS.length}`);
  });
}

/** Of a pool; a batch needs few connections: its statements are short. */
const MAX_CONNECTIONS = 4;

async function openPostgres(url: string): Promise<OpenedBatchDatabase> {
  const pool = mappedPool(url);
  const plain = new Kysely<BatchTables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migratePostgres(plain);
  } catch (error) {
    await plain.destroy();
    throw error;
  }
  const database = plain.withSchema('referent');
  return { database, durably: (work) => work(database), shrink: () => Promise.resolve() };
}

/** Connections whose errors are ours. One that is lost tells it to its statement; the next statement opens another. */
function mappedPool(url: string): PostgresPool {
  const pool = new Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: 10_000,
    options: '-c synchronous_commit=on -c jit=off -c client_min_messages=warning',
  });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    connect: async () => {
      const client = await mapped(pool.connect());
      const query = (text: string, values: readonly unknown[]) =>
        mapped(client.query(text, [...values]));
      return {
        // Without cursors: nothing is streamed from here.
        query: query as unknown as PostgresPoolClient['query'],
        release: () => {
          client.release();
        },
      };
    },
    end: () => pool.end(),
  };
}

async function mapped<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw mapPostgresError(error, 'the database of jobs');
  }
}

/** Any number, the same in all processes: only one of them migrates. */
const MIGRATION_LOCK = 7_236_410_593;

async function migratePostgres(database: BatchDatabase): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const run = (statement: string) => sql.raw(statement).execute(transaction);
    await run(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    await run('CREATE SCHEMA IF NOT EXISTS referent');
    await run('SET LOCAL search_path TO referent');
    await run('CREATE TABLE IF NOT EXISTS batch_migration (applied INTEGER PRIMARY KEY)');
    const { rows } = await sql<{
      count: string;
    }>`SELECT count(*) AS count FROM batch_migration`.execute(transaction);
    const applied = Number(rows[0]?.count ?? 0);
    for (const [at, statements] of BATCH_MIGRATIONS.entries()) {
      if (at < applied) continue;
      for (const statement of statements) await run(statement);
      await run(`INSERT INTO batch_migration VALUES (${at + 1})`);
    }
  });
}
