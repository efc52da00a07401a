import { ReferentError } from '../contract/errors.js';
import {
  BatchIntake,
  type Acceptance,
  type BatchEntry,
  type BatchKey,
  type NewBatch,
} from './batch-store.js';
import { removeBatch, type BatchContext } from './sql-batch-context.js';
import type { BatchDatabase } from './sql-batch-tables.js';

export class SqlBatchIntake extends BatchIntake {
  constructor(private readonly context: BatchContext) {
    super();
  }

  override async begin({ id, kb, options, owner }: NewBatch): Promise<void> {
    const { database, time } = this.context;
    const at = time();
    await database
      .insertInto('batch')
      .values({
        ...{ id, kb, owner, options: JSON.stringify(options), state: 'staged' },
        ...{ created_at: at, updated_at: at },
      })
      .execute();
  }

  override async add(
    batch: string,
    pages: readonly (readonly BatchEntry[])[],
  ): Promise<void> {
    await this.context.database.transaction().execute(async (database) => {
      let total = 0;
      for (const entries of pages) {
        total += entries.length;
        await insertPage(database, batch, entries);
      }
      const { numUpdatedRows } = await database
        .updateTable('batch')
        .set((eb) => ({ total: eb('total', '+', total), updated_at: this.context.time() }))
        .where('id', '=', batch)
        .where('state', '=', 'staged')
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw abandoned(batch);
    });
  }

  override async accept(batch: string, key: BatchKey | null): Promise<Acceptance> {
    const taken = await this.context.durably((database) =>
      database.transaction().execute(async (transaction) => {
        const other = key === null ? null : await takeKey(transaction, batch, key);
        if (other === null) await this.show(transaction, batch);
        return other;
      }),
    );
    if (taken === null) return { status: 'accepted', id: batch };
    await this.discard(batch);
    return taken;
  }

  private async show(database: BatchDatabase, batch: string): Promise<void> {
    const at = this.context.time();
    const { numUpdatedRows } = await database
      .updateTable('batch')
      .set({ state: 'queued', created_at: at, updated_at: at })
      .where('id', '=', batch)
      .where('state', '=', 'staged')
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw abandoned(batch);
  }

  override async discard(batch: string): Promise<void> {
    await removeBatch(this.context.database, batch);
  }
}

async function insertPage(
  database: BatchDatabase,
  batch: string,
  entries: readonly BatchEntry[],
): Promise<void> {
  const [first] = entries;
  const last = entries.at(-1);
  if (first === undefined || last === undefined) return;
  await database
    .insertInto('batch_page')
    .values({
      batch,
      from_line: first.line,
      to_line: last.line + 1,
      documents: JSON.stringify(entries),
    })
    .execute();
}

/** Takes the key for the batch; else says what has it. One that waits for another's answer waits in the insert. */
async function takeKey(
  database: BatchDatabase,
  batch: string,
  { key, contentHash }: BatchKey,
): Promise<Acceptance | null> {
  const { numInsertedOrUpdatedRows = 0n } = await database
    .insertInto('batch_key')
    .values({ key, batch, content_hash: contentHash })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows > 0n) return null;
  const holder = await database
    .selectFrom('batch_key')
    .selectAll()
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  const status = holder.content_hash === contentHash ? 'same' : 'other';
  return { status, id: holder.batch };
}

function abandoned(batch: string): ReferentError {
  return new ReferentError(
    'deadline-exceeded',
    `The documents of ${batch} came in so slowly that they were taken for abandoned, and removed: send them again.`,
  );
}
