import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { patiently } from './patience.js';
import { SqliteConnection } from './sqlite-driver.js';
import { STAGING_SCHEMA } from './sqlite-schema.js';

export interface SqliteWriterOptions {
  readonly folder: string;
  /** The store file may not grow beyond this; for quotas, and for tests of a full disk. */
  readonly maxBytes?: number | undefined;
}

const PAGE_BYTES = 8192;
/** Of an import that another process commits, a large one takes longer. */
const WRITE_PATIENCE_MS = 10_000;
/** What may block the process; the connection's own waiting does. */
const BLOCKING_MS = 5;

/** Nothing of it outlives the process; ids and names come in random order, so it wants a cache as large as the store's. */
const STAGING_SETTINGS = `
  PRAGMA staging.page_size = ${PAGE_BYTES};
  PRAGMA staging.journal_mode = OFF;
  PRAGMA staging.synchronous = OFF;
  PRAGMA staging.locking_mode = EXCLUSIVE;
  PRAGMA staging.cache_size = -65536;
`;

/**
 * The one connection that writes, apart from the one that reads: readers keep the old state until the commit.
 * `synchronous = NORMAL` in WAL: a commit survives kill -9; what must survive a power cut raises it to FULL.
 */
export class SqliteWriter {
  private connection: SqliteConnection | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  isStaging = false;
  private isClosed = false;

  constructor(private readonly options: SqliteWriterOptions) {}

  /** Runs `work` when all earlier work on the connection is done, so that a transaction may pause. */
  use<T>(work: (connection: SqliteConnection) => T | Promise<T>): Promise<T> {
    const result = this.queue.then(() => work(this.open()));
    this.queue = result.catch(() => undefined);
    return result;
  }

  /**
   * All of `work` or nothing of it, holding the write lock from the start. While another process has it, nothing but
   * this connection waits; `busy` after `patienceMs`.
   */
  transaction<T>(
    work: (connection: SqliteConnection) => T | Promise<T>,
    patienceMs = WRITE_PATIENCE_MS,
  ): Promise<T> {
    return this.use((connection) => inTransaction(connection, () => work(connection), patienceMs));
  }

  /** Attaches an empty staging file; what an earlier import left in it goes. */
  startStaging(): Promise<void> {
    return this.use((connection) => {
      this.removeStaging();
      connection.run('ATTACH ? AS staging', this.stagingFile);
      connection.exec(STAGING_SETTINGS);
      connection.exec(STAGING_SCHEMA);
      this.isStaging = true;
    });
  }

  /** Closing detaches: statements that are kept prepared would hold the file. */
  stopStaging(): Promise<void> {
    return this.use(() => {
      this.isStaging = false;
      this.closeConnection();
      this.removeStaging();
    });
  }

  close(): void {
    this.isClosed = true;
    this.closeConnection();
    if (this.isStaging) this.removeStaging();
  }

  private open(): SqliteConnection {
    if (this.isClosed) {
      // The file of that name may be another store by now.
      throw new ReferentError('not-ready', `the store in ${this.options.folder} was closed`);
    }
    if (this.connection === undefined) {
      const connection = SqliteConnection.open(join(this.options.folder, 'store.sqlite'));
      configure(connection, this.options.maxBytes);
      this.connection = connection;
    }
    return this.connection;
  }

  private closeConnection(): void {
    this.connection?.close();
    this.connection = undefined;
  }

  private get stagingFile(): string {
    return join(this.options.folder, 'staging.sqlite');
  }

  private removeStaging(): void {
    for (const suffix of ['', '-journal', '-wal', '-shm']) {
      rmSync(this.stagingFile + suffix, { force: true });
    }
  }
}

/** A transaction that may pause: nobody else may use the connection meanwhile. */
export async function inTransaction<T>(
  connection: SqliteConnection,
  work: () => T | Promise<T>,
  patienceMs: number,
): Promise<T> {
  await patiently(patienceMs, () => {
    beginSoon(connection);
  });
  try {
    const result = await work();
    connection.exec('COMMIT');
    return result;
  } catch (error) {
    connection.rollback();
    throw error;
  }
}

function beginSoon(connection: SqliteConnection): void {
  connection.exec(`PRAGMA busy_timeout = ${BLOCKING_MS}`);
  try {
    connection.exec('BEGIN IMMEDIATE');
  } finally {
    connection.exec('PRAGMA busy_timeout = 10000');
  }
}

function configure(connection: SqliteConnection, maxBytes: number | undefined): void {
  connection.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  connection.exec('PRAGMA journal_mode = WAL');
  connection.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
  connection.exec('PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864');
  if (maxBytes !== undefined) {
    connection.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / PAGE_BYTES)}`);
  }
}
