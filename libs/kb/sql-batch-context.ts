import { breathe } from './settle.js';
import type { OpenedBatchDatabase } from './sql-batch-database.js';
import type { BatchDatabase } from './sql-batch-tables.js';

/** What the parts of the store share. */
export interface BatchContext extends OpenedBatchDatabase {
  /** ISO 8601, UTC; so many milliseconds from now. */
  readonly time: (fromNowMs?: number) => string;
  readonly keepMs: number;
  /** Names this process where it holds a page. */
  readonly holder: string;
}

/** States of a batch that has not ended. */
export const LIVE = ['queued', 'running'] as const;

/** Removed at a time: a stretch of work of a few milliseconds. */
const PAGES_AT_A_TIME = 64;

/** Unseen first, so that a removal that is cut short is not half a batch; some pages at a time. */
export async function removeBatch(database: BatchDatabase, id: string): Promise<void> {
  await database.updateTable('batch').set({ state: 'expired' }).where('id', '=', id).execute();
  await database.deleteFrom('batch_key').where('batch', '=', id).execute();
  for (let removed = PAGES_AT_A_TIME; removed > 0; ) {
    const page = await database
      .deleteFrom('batch_page')
      .where('batch', '=', id)
      .where('from_line', 'in', (eb) =>
        eb
          .selectFrom('batch_page')
          .select('from_line')
          .where('batch', '=', id)
          .limit(PAGES_AT_A_TIME),
      )
      .executeTakeFirst();
    removed = Number(page.numDeletedRows);
    await breathe();
  }
  await database.deleteFrom('batch').where('id', '=', id).execute();
}

