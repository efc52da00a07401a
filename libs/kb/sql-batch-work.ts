import {
  BatchWork,
  type BatchEntry,
  type PageRef,
  type PageResults,
  type TakenPage,
} from './batch-store.js';
import { LIVE, type BatchContext } from './sql-batch-context.js';
import type { BatchDatabase } from './sql-batch-tables.js';

/** A holder that says nothing for so long is dead. */
const HOLD_MS = 15_000;
/** Work that rested so long, or went on before it had begun (a clock that jumped), is measured anew. */
const PAUSE_MS = 60_000;

export class SqlBatchWork extends BatchWork {
  constructor(private readonly context: BatchContext) {
    super();
  }

  override hand(batch: string, window: number): Promise<readonly PageRef[]> {
    return this.context.database.transaction().execute(async (database) => {
      const handedTo = await lockLive(database, batch);
      if (handedTo === undefined) return [];
      const room = window - (await openPages(database, batch, window).where('from_line', '<', handedTo).execute()).length;
      if (room <= 0) return [];
      const next = await openPages(database, batch, room).where('from_line', '>=', handedTo).execute();
      const last = next.at(-1);
      if (last === undefined) return [];
      await database
        .updateTable('batch')
        .set({ handed_to: last.to_line })
        .where('id', '=', batch)
        .execute();
      return next.map((row) => refOf(batch, row));
    });
  }

  override async outstanding(batch: string): Promise<readonly PageRef[]> {
    const { database } = this.context;
    const row = await database
      .selectFrom('batch')
      .select('handed_to')
      .where('id', '=', batch)
      .where('state', 'in', LIVE)
      .executeTakeFirst();
    if (row === undefined) return [];
    const rows = await openPages(database, batch, 1_000)
      .where('from_line', '<', row.handed_to)
      .execute();
    return rows.map((page) => refOf(batch, page));
  }

  override take({ batch, from }: PageRef): Promise<TakenPage | null> {
    const { time, holder } = this.context;
    return this.context.database.transaction().execute(async (database) => {
      const taken = await database
        .updateTable('batch_page')
        .set((eb) => ({
          held_by: holder,
          held_until: time(HOLD_MS),
          attempts: eb('attempts', '+', 1),
        }))
        .where('batch', '=', batch)
        .where('from_line', '=', from)
        .where('is_open', '=', 1)
        .where((eb) =>
          eb.or([
            eb('held_until', 'is', null),
            eb('held_until', '<=', time()),
            // Held by a clock that ran ahead of ours.
            eb('held_until', '>', time(2 * HOLD_MS)),
          ]),
        )
        .executeTakeFirst();
      return taken.numUpdatedRows === 0n ? null : this.begun(database, { batch, from });
    });
  }

  private async begun(
    database: BatchDatabase,
    { batch, from }: Omit<PageRef, 'to'>,
  ): Promise<TakenPage | null> {
    await database
      .updateTable('batch')
      .set({ state: 'running', started_at: this.context.time() })
      .where('id', '=', batch)
      .where('state', '=', 'queued')
      .execute();
    const row = await database
      .selectFrom('batch_page')
      .innerJoin('batch', 'batch.id', 'batch_page.batch')
      .select(['kb', 'options', 'to_line', 'documents', 'attempts'])
      .where('batch', '=', batch)
      .where('from_line', '=', from)
      .where('state', 'in', LIVE)
      .executeTakeFirst();
    if (row === undefined) return null;
    return {
      ...{ batch, from, to: row.to_line, kb: row.kb, attempt: row.attempts },
      options: JSON.parse(row.options) as TakenPage['options'],
      entries: JSON.parse(row.documents) as BatchEntry[],
    };
  }

  override async hold({ batch, from }: PageRef): Promise<boolean> {
    const { database, time, holder } = this.context;
    const held = await database
      .updateTable('batch_page')
      .set({ held_until: time(HOLD_MS) })
      .where('batch', '=', batch)
      .where('from_line', '=', from)
      .where('held_by', '=', holder)
      .where('is_open', '=', 1)
      .where((eb) =>
        eb.exists(eb.selectFrom('batch').select('id').where('id', '=', batch).where('state', 'in', LIVE)),
      )
      .executeTakeFirst();
    return held.numUpdatedRows > 0n;
  }

  override finish(page: PageRef, results: PageResults): Promise<boolean> {
    const { batch, from } = page;
    return this.context.database.transaction().execute(async (database) => {
      if ((await lockLive(database, batch)) === undefined) return false;
      const stored = await database
        .updateTable('batch_page')
        .set({ results: results.lines, documents: '', is_open: 0, held_by: null, held_until: null })
        .where('batch', '=', batch)
        .where('from_line', '=', from)
        .where('is_open', '=', 1)
        .executeTakeFirst();
      if (stored.numUpdatedRows === 0n) return false;
      await this.count(database, batch, results);
      return true;
    });
  }

  private async count(
    database: BatchDatabase,
    batch: string,
    { done, failed, versions }: PageResults,
  ): Promise<void> {
    const { time, keepMs } = this.context;
    const before = await database
      .selectFrom('batch')
      .select(['total', 'done', 'failed', 'updated_at', 'started_at', 'rate_since'])
      .where('id', '=', batch)
      .executeTakeFirstOrThrow();
    const earlier = before.done + before.failed;
    const isLast = earlier + done + failed >= before.total;
    await database
      .updateTable('batch')
      .set({
        ...{ done: before.done + done, failed: before.failed + failed, updated_at: time() },
        ...(versions === null ? {} : { versions: JSON.stringify(versions) }),
        ...(isLast ? { state: 'done', finished_at: time(), expires_at: time(keepMs) } : {}),
        ...this.measured(before, earlier),
      })
      .where('id', '=', batch)
      .execute();
  }

  private measured(
    before: { readonly updated_at: string; readonly started_at: string | null; readonly rate_since: string | null },
    earlier: number,
  ): { rate_since?: string | null; rate_from?: number } {
    const { time } = this.context;
    if (before.rate_since === null) return { rate_since: before.started_at, rate_from: 0 };
    const isPaused = before.updated_at < time(-PAUSE_MS) || before.updated_at > time();
    return isPaused ? { rate_since: time(), rate_from: earlier } : {};
  }

  override async release({ batch, from }: PageRef): Promise<void> {
    const { database, holder } = this.context;
    await database
      .updateTable('batch_page')
      .set((eb) => ({ held_by: null, held_until: null, attempts: eb('attempts', '-', 1) }))
      .where('batch', '=', batch)
      .where('from_line', '=', from)
      .where('held_by', '=', holder)
      .where('is_open', '=', 1)
      .execute();
  }
}

/** From here to the end of the transaction nobody else changes the batch; undefined where it has ended. */
async function lockLive(database: BatchDatabase, batch: string): Promise<number | undefined> {
  const locked = await database
    .updateTable('batch')
    .set((eb) => ({ handed_to: eb.ref('handed_to') }))
    .where('id', '=', batch)
    .where('state', 'in', LIVE)
    .executeTakeFirst();
  if (locked.numUpdatedRows === 0n) return undefined;
  const { handed_to } = await database
    .selectFrom('batch')
    .select('handed_to')
    .where('id', '=', batch)
    .executeTakeFirstOrThrow();
  return handed_to;
}

function openPages(database: BatchDatabase, batch: string, limit: number) {
  return database
    .selectFrom('batch_page')
    .select(['from_line', 'to_line'])
    .where('batch', '=', batch)
    .where('is_open', '=', 1)
    .orderBy('from_line')
    .limit(limit);
}

function refOf(batch: string, row: { from_line: number; to_line: number }): PageRef {
  return { batch, from: row.from_line, to: row.to_line };
}
