import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReferentError } from '../contract/errors.js';
import { SqliteConnection } from './sqlite-driver.js';

const RETRY_MS = 20;

/**
 * At most one import a KB, over all processes. A lock on a file that the operating system drops when the process
 * dies, however it dies: no process id to misread and no heartbeat to miss.
 */
export class ImportLock {
  private constructor(private readonly connection: SqliteConnection) {}

  static take(folder: string, kbName: string): ImportLock {
    const connection = SqliteConnection.open(join(folder, 'import.lock'));
    connection.exec('PRAGMA busy_timeout = 0');
    try {
      connection.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      connection.close();
      if (!(error instanceof ReferentError) || error.code !== 'busy') throw error;
      throw new ReferentError(
        'busy',
        `an import into ${kbName} is running already; wait for it to end, or stop it, and try again`,
        { cause: error },
      );
    }
    return new ImportLock(connection);
  }

  /** Takes the lock, waiting for it a while: learning holds it for some milliseconds at a time. */
  static async await(folder: string, kbName: string, patienceMs: number): Promise<ImportLock> {
    const until = performance.now() + patienceMs;
    for (;;) {
      try {
        return ImportLock.take(folder, kbName);
      } catch (error) {
        const isBusy = error instanceof ReferentError && error.code === 'busy';
        if (!isBusy || performance.now() > until) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  release(): void {
    this.connection.rollback();
    this.connection.close();
  }
}
