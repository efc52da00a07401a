import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { FileLock } from './file-lock.js';
import { patiently } from './patience.js';

/** At most one import a KB, over all processes. */
export class ImportLock {
  private constructor(private readonly lock: FileLock) {}

  static take(folder: string, kbName: string): ImportLock {
    const lock = ImportLock.tryTake(folder);
    if (lock !== null) return lock;
    throw new ReferentError(
      'busy',
      `an import into ${kbName} is running already; wait for it to end, or stop it, and try again`,
    );
  }

  /** null while an import runs. */
  static tryTake(folder: string): ImportLock | null {
    const lock = FileLock.exclusive(join(folder, 'import.lock'));
    return lock && new ImportLock(lock);
  }

  /** Takes the lock, waiting for it a while: cleaning up holds it for moments. */
  static await(folder: string, kbName: string, patienceMs: number): Promise<ImportLock> {
    return patiently(patienceMs, () => ImportLock.take(folder, kbName));
  }

  release(): void {
    this.lock.release();
  }
}
