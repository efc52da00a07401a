import { ReferentError } from '../contract/errors.js';
import { SqliteConnection } from './sqlite-driver.js';

/**
 * A lock on a file that the operating system drops when the process dies, however it dies: no process id to misread
 * and no heartbeat to miss.
 */
export class FileLock {
  private constructor(private readonly connection: SqliteConnection) {}

  /**
   * Takes it alone; null where somebody has it. Blocks for at most `waitMs`, and keeps newcomers out meanwhile, so
   * that many who share it for moments cannot keep it for ever.
   */
  static exclusive(file: string, waitMs = 0): FileLock | null {
    const connection = SqliteConnection.open(file);
    try {
      connection.exec(`PRAGMA busy_timeout = ${waitMs}`);
      connection.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      connection.close();
      if (isBusy(error)) return null;
      throw error;
    }
    return new FileLock(connection);
  }

  release(): void {
    this.connection.rollback();
    this.connection.close();
  }
}

/** The same lock where many may have it at a time. Its file stays open: opening it costs more than the lock. */
export class SharedFileLock {
  private connection: SqliteConnection | undefined;

  constructor(private readonly file: string) {}

  /** false where somebody has it alone, or waits for that. */
  take(): boolean {
    const connection = this.opened();
    try {
      connection.exec('BEGIN');
      connection.value('SELECT count(*) FROM sqlite_schema');
      return true;
    } catch (error) {
      connection.rollback();
      if (isBusy(error)) return false;
      throw error;
    }
  }

  release(): void {
    this.connection?.rollback();
  }

  close(): void {
    this.connection?.close();
    this.connection = undefined;
  }

  private opened(): SqliteConnection {
    if (this.connection !== undefined) return this.connection;
    const connection = SqliteConnection.open(this.file);
    connection.exec('PRAGMA busy_timeout = 0');
    this.connection = connection;
    return connection;
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof ReferentError && error.code === 'busy';
}
