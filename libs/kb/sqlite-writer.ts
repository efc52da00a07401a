import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { SqliteConnection } from './sqlite-driver.js';
import { STAGING_SCHEMA } from './sqlite-schema.js';

export interface SqliteWriterOptions {
  readonly folder: string;
  /** The store file may not grow beyond this; for quotas, and for tests of a full disk. */
  readonly maxBytes?: number | undefined;
}

const PAGE_BYTES = 8192;

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

function configure(connection: SqliteConnection, maxBytes: number | undefined): void {
  connection.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  connection.exec('PRAGMA journal_mode = WAL');
  connection.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
  connection.exec('PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864');
  if (maxBytes !== undefined) {
    connection.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / PAGE_BYTES)}`);
  }
}
