import { join } from 'node:path';
import type { ReembeddingProgress } from '../contract/models-api.js';
import { FileLock } from './file-lock.js';
import { ImportLock } from './import-lock.js';
import { ModelTable, type Leadership, type ModelState, type Reembedding } from './kb-store.js';
import { assertNoOther, reembeddingOf, textOrNull } from './model-rows.js';
import { settle } from './settle.js';
import type { SqliteConnection } from './sqlite-driver.js';
import { inTransaction, type SqliteWriter } from './sqlite-writer.js';

export interface SqliteModelOptions {
  readonly folder: string;
  readonly kbName: string;
  readonly reader: SqliteConnection;
  readonly writer: SqliteWriter;
}

/** Cleaning up holds the import lock for moments. */
const LOCK_PATIENCE_MS = 1_000;
const WRITE_PATIENCE_MS = 10_000;

export class SqliteModelTable extends ModelTable {
  constructor(private readonly options: SqliteModelOptions) {
    super();
  }

  override state(): Promise<ModelState> {
    return settle(() => stateOf(this.options.reader));
  }

  override begin(
    { target, model }: Pick<Reembedding, 'target' | 'model'>,
    current: string,
  ): Promise<ModelState> {
    return this.write((connection) => {
      const { reembedding } = stateOf(connection);
      assertNoOther(reembedding, target);
      connection.run('UPDATE kb SET active_model = coalesce(active_model, ?)', current);
      if (reembedding?.target !== target) connection.run('DELETE FROM reembedding');
      connection.run(
        `INSERT INTO reembedding (one, target, model, problem, started_at)
           VALUES (1, ?, ?, NULL, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
         ON CONFLICT (one) DO UPDATE SET model = excluded.model, problem = NULL`,
        target,
        model,
      );
      return stateOf(connection);
    });
  }

  override lead(): Promise<Leadership | null> {
    return settle(() => {
      const lock = FileLock.exclusive(join(this.options.folder, 'reembed.lock'));
      if (lock === null) return null;
      return {
        release: () =>
          settle(() => {
            lock.release();
          }),
      };
    });
  }

  override async report(target: string, progress: ReembeddingProgress): Promise<void> {
    await this.options.writer.transaction((connection) =>
      connection.run(
        'UPDATE reembedding SET progress = ? WHERE target = ?',
        JSON.stringify(progress),
        target,
      ),
    );
  }

  override async stop(problem: string): Promise<void> {
    await this.write((connection) =>
      connection.run('UPDATE reembedding SET problem = ?', problem.slice(0, 2_000)),
    );
  }

  override async cancel(): Promise<void> {
    await this.write((connection) => connection.run('DELETE FROM reembedding'));
  }

  override async activate(target: string): Promise<{ readonly missing: number }> {
    const { folder, kbName } = this.options;
    const lock = await ImportLock.await(folder, kbName, LOCK_PATIENCE_MS);
    try {
      return await this.write((connection) => activateNow(connection, target));
    } finally {
      lock.release();
    }
  }

  private write<T>(work: (connection: SqliteConnection) => T): Promise<T> {
    return this.options.writer.use(async (connection) => {
      connection.exec('PRAGMA synchronous = FULL');
      try {
        return await inTransaction(connection, () => work(connection), WRITE_PATIENCE_MS);
      } finally {
        connection.exec('PRAGMA synchronous = NORMAL');
      }
    });
  }
}

function activateNow(connection: SqliteConnection, target: string): { readonly missing: number } {
  const { reembedding } = stateOf(connection);
  const missing = Number(connection.value(COUNT_WITHOUT, target));
  if (missing > 0 || reembedding?.target !== target || reembedding.problem !== null) {
    return { missing };
  }
  connection.run(
    `UPDATE kb SET previous_model = active_model, active_model = ?1,
       updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE active_model IS NOT ?1`,
    target,
  );
  connection.run('DELETE FROM reembedding');
  return { missing };
}

/** The model's number first: looked up once, not for every entity. */
const COUNT_WITHOUT = `
  SELECT count(*) FROM entity AS e WHERE NOT EXISTS (
    SELECT 1 FROM vector AS v
    WHERE v.model = (SELECT id FROM model WHERE version = ?) AND v.content_hash = e.content_hash)`;

export function stateOf(connection: SqliteConnection): ModelState {
  const [active, previous] = connection.rows('SELECT active_model, previous_model FROM kb')[0] ?? [];
  const [row] = connection.rows(
    'SELECT target, model, problem, started_at, progress FROM reembedding',
  );
  return {
    active: textOrNull(active),
    previous: textOrNull(previous),
    reembedding: row === undefined ? null : reembeddingOf(row),
  };
}
