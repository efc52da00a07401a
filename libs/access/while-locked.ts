import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { SqliteConnection } from '../kb/sqlite-driver.js';

/**
 * Does the work while no other process does work under the same file. The operating system drops the lock when the
 * process dies, however it dies. `busy` after ten seconds.
 */
export function whileLocked<T>(path: string, work: () => T): T {
  mkdirSync(dirname(path), { recursive: true });
  const connection = SqliteConnection.open(path);
  try {
    connection.exec('BEGIN EXCLUSIVE');
    chmodSync(path, 0o600);
    return work();
  } finally {
    connection.rollback();
    connection.close();
  }
}
