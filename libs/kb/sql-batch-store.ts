import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { LineError } from '../contract/batches.js';
import { BatchStore, jobNotFound, type Batch, type ResultPage } from './batch-store.js';
import type { CatalogSettings } from './open-catalog.js';
import { LIVE, removeBatch, type BatchContext } from './sql-batch-context.js';
import { openBatchDatabase } from './sql-batch-database.js';
import { SqlBatchIntake } from './sql-batch-intake.js';
import type { BatchTables } from './sql-batch-tables.js';
import { SqlBatchWork } from './sql-batch-work.js';

export interface BatchStoreSettings extends CatalogSettings {
  /** How long results are kept after a batch has ended. */
  readonly resultsHours: number;
}

/** @throws ReferentError where the database cannot be opened. */
export async function openBatchStore(
  settings: BatchStoreSettings,
  now: () => number = Date.now,
): Promise<BatchStore> {
  const opened = await openBatchDatabase(settings);
  return new SqlBatchStore({
    ...opened,
    time: (fromNowMs = 0) => new Date(now() + fromNowMs).toISOString(),
    keepMs: settings.resultsHours * 3_600_000,
    holder: randomUUID(),
  });
}

/** A staged batch that got no page for so long has lost its request. */
const ABANDONED_MS = 10 * 60_000;
/** Pages read at a time. */
const PAGES_AT_A_TIME = 64;

/** SQLite and PostgreSQL, by the same statements. */
class SqlBatchStore extends BatchStore {
  override readonly intake: SqlBatchIntake;
  override readonly work: SqlBatchWork;

  constructor(private readonly context: BatchContext) {
    super();
    this.intake = new SqlBatchIntake(context);
    this.work = new SqlBatchWork(context);
  }

  override async get(id: string): Promise<Batch> {
    const row = await this.seen().where('id', '=', id).executeTakeFirst();
    if (row !== undefined) return batchOf(row);
    throw jobNotFound(id);
  }

  override async list({
    limit,
    live = false,
  }: {
    readonly limit: number;
    readonly live?: boolean;
  }): Promise<readonly Batch[]> {
    const query = live
      ? this.seen().where('state', 'in', LIVE).orderBy('created_at').orderBy('id')
      : this.seen().orderBy('created_at', 'desc').orderBy('id');
    return (await query.limit(limit).execute()).map(batchOf);
  }

  private seen() {
    return this.context.database
      .selectFrom('batch')
      .selectAll()
      .where('state', 'not in', ['staged', 'expired'])
      .where((eb) =>
        eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', this.context.time())]),
      );
  }

  override async results(id: string, afterLine: number): Promise<readonly ResultPage[]> {
    const { state } = await this.get(id);
    const isLive = state === 'queued' || state === 'running';
    const pages = this.context.database
      .selectFrom('batch_page')
      .select(['from_line', 'to_line', 'results'])
      .where('batch', '=', id)
      .where('to_line', '>', afterLine + 1)
      .orderBy('from_line')
      .limit(PAGES_AT_A_TIME);
    const rows = await (isLive ? pages : pages.where('is_open', '=', 0)).execute();
    const open = rows.findIndex(({ results }) => results === null);
    return rows.slice(0, open < 0 ? rows.length : open).map((row) => ({
      from: row.from_line,
      to: row.to_line,
      lines: row.results ?? '',
    }));
  }

  override async end(id: string, how: 'cancelled' | LineError): Promise<void> {
    const { database, time, keepMs } = this.context;
    await database
      .updateTable('batch')
      .set({
        state: how === 'cancelled' ? 'cancelled' : 'failed',
        problem: how === 'cancelled' ? null : JSON.stringify(how),
        finished_at: time(),
        expires_at: time(keepMs),
      })
      .where('id', '=', id)
      .where('state', 'in', LIVE)
      .execute();
  }

  override async sweep(): Promise<void> {
    const { database, time, shrink } = this.context;
    const ended = await database
      .selectFrom('batch')
      .select('id')
      .where((eb) =>
        eb.or([
          eb('state', '=', 'expired'),
          eb('expires_at', '<=', time()),
          eb.and([eb('state', '=', 'staged'), eb('updated_at', '<', time(-ABANDONED_MS))]),
        ]),
      )
      .execute();
    for (const { id } of ended) await removeBatch(database, id);
    if (ended.length > 0) await shrink();
  }

  override async close(): Promise<void> {
    await this.context.database.destroy();
  }
}

function batchOf(row: Selectable<BatchTables['batch']>): Batch {
  const { id, kb, owner, total, done, failed } = row;
  return {
    ...{ id, kb, owner, total, done, failed },
    options: JSON.parse(row.options) as Batch['options'],
    state: row.state as Batch['state'],
    problem: parsedOrNull(row.problem) as Batch['problem'],
    versions: parsedOrNull(row.versions) as Batch['versions'],
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    expiresAt: row.expires_at,
    updatedAt: row.updated_at,
    rateSince: row.rate_since,
    rateFrom: row.rate_from,
  };
}

function parsedOrNull(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}
