import {
  CompiledQuery,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReferentError } from '../contract/errors.js';
import type { SqliteConnection } from './sqlite-driver.js';

/** How long another process may hold the write lock; its transactions take milliseconds. */
const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 5;

/**
 * SQLite for Kysely where several processes write small transactions. A transaction takes the write lock at its start
 * (one that reads first may find that no waiting helps), and who finds it taken waits outside the driver, whose own
 * waiting would hold up everything else in this process.
 */
export class PatientSqliteDialect extends SqliteDialect {
  constructor(private readonly connection: SqliteConnection) {
    super({ database: connection.forKysely() });
    connection.exec('PRAGMA busy_timeout = 0');
  }

  override createDriver(): Driver {
    return new PatientDriver({ database: this.connection.forKysely() });
  }
}

class PatientDriver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    return new PatientConnection(await super.acquireConnection());
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

class PatientConnection implements DatabaseConnection {
  constructor(private readonly connection: DatabaseConnection) {}

  /** A statement that was refused has done nothing, so that it can be given again. */
  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.connection.executeQuery<R>(query);
      } catch (error) {
        if (!isBusy(error) || performance.now() > until) throw error;
        await sleep(LOOK_AGAIN_MS * (1 + Math.random()));
      }
    }
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.connection.streamQuery<R>(query, chunkSize);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof ReferentError && error.code === 'busy';
}
