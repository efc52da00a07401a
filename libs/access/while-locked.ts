import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { FileLock } from '../kb/file-lock.js';

const PATIENCE_MS = 10_000;

/** Does the work while no other process does work under the same file; `busy` after ten seconds. */
export function whileLocked<T>(path: string, work: () => T): T {
  mkdirSync(dirname(path), { recursive: true });
  const lock = FileLock.exclusive(path, PATIENCE_MS);
  if (lock === null) {
    throw new ReferentError(
      'busy',
      `another process is writing to ${path}; wait for it, and try again`,
    );
  }
  try {
    chmodSync(path, 0o600);
    return work();
  } finally {
    lock.release();
  }
}
