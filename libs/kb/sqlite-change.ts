import { patiently } from './patience.js';
import type { PublishWindow } from './publish-window.js';
import { lastGiven, sequenceOf } from './sqlite-commit.js';
import type { SqliteConnection } from './sqlite-driver.js';
import { inTransaction, type SqliteWriter } from './sqlite-writer.js';

/** What a visible change needs of its store. */
export interface ChangeShop {
  readonly writer: SqliteWriter;
  readonly window: PublishWindow;
}

export interface VisibleChange<T> {
  readonly work: (connection: SqliteConnection) => T;
  /** Runs before `work` where an import has reserved sequences and died: to drop what it left of an index. */
  readonly beforeCommit?: (() => Promise<void>) | undefined;
}

/** How long a change waits for an import that is becoming visible (a small one takes milliseconds), or for another writer. */
const PATIENCE_MS = 1_000;

/** All of `work` or nothing of it, on disk when it is done; `busy` while an import becomes visible. */
export function changeVisibly<T>(
  { writer, window }: ChangeShop,
  { work, beforeCommit }: VisibleChange<T>,
): Promise<T> {
  const change = async (connection: SqliteConnection): Promise<T> => {
    if (lastGiven(connection) > sequenceOf(connection)) await beforeCommit?.();
    return work(connection);
  };
  return patiently(PATIENCE_MS, () =>
    writer.use(async (connection) => {
      window.enter();
      connection.exec('PRAGMA synchronous = FULL');
      try {
        return await inTransaction(connection, () => change(connection), PATIENCE_MS);
      } finally {
        connection.exec('PRAGMA synchronous = NORMAL');
        window.leave();
      }
    }),
  );
}
