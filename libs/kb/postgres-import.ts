import type { EntityRecord } from '../contract/entity.js';
import { ImportStage, type CommitReport,
  type ImportCommitOptions, type StageReport } from './kb-store.js';
import { commitStaged, reserveSequences } from './postgres-commit.js';
import type { PostgresKb, PostgresKbSession } from './postgres-kb.js';
import { PostgresImportLock } from './postgres-lock.js';
import { STAGING_SCHEMA } from './postgres-schema.js';
import {
  changedMeanwhile,
  planPage,
  stagePage,
  unstage,
  type StagedPage,
} from './postgres-staging.js';
import { emptyTally, lastOfEachId, stagedRows, type StageTally } from './staged-rows.js';

interface OpenImport extends StageTally {
  readonly lock: PostgresImportLock;
  /** Why a page could not be written after `add` had returned: nothing can be made of the import any more. */
  failure: Error | undefined;
}

const KEY_BLOCK = 4_096;
const PATIENCE_MS = 300;

export class PostgresImportStage extends ImportStage {
  private open: OpenImport | undefined;

  constructor(private readonly kb: PostgresKb) {
    super();
  }

  /** Whether an import is open; when it is known, what was added is written. */
  async isStaged(): Promise<boolean> {
    if (this.open === undefined) return false;
    await this.open.lock.use(() => Promise.resolve());
    this.current();
    return true;
  }

  override async begin(): Promise<void> {
    const lock = await PostgresImportLock.await(this.kb, PATIENCE_MS);
    this.open = { lock, failure: undefined, ...emptyTally() };
    try {
      this.open.since = await lock.use(async (session) => {
        await session.run(STAGING_SCHEMA);
        await session.run(BY_INDEX);
        return this.sequenceOf(session);
      });
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Returns when it is known what the page comes to; it is written while the caller makes the next one. */
  override async add(
    records: readonly EntityRecord[],
    positions?: readonly number[],
  ): Promise<StageReport> {
    const open = this.current();
    const from = open.staged;
    open.staged += records.length;
    open.reserved = undefined;
    const page = stagedRows(records, positions, from);
    const { last, duplicates } = lastOfEachId(page);
    const planned = open.lock.use(async (session) => {
      await this.reserveKeys(session, open, last.length);
      const plan = await planPage(session, last, open.nextKey);
      take(open, plan);
      return plan;
    });
    const written = open.lock.use(async (session) => stagePage(session, await planned));
    written.catch((error: unknown) => {
      open.failure ??= error instanceof Error ? error : new Error(String(error));
    });
    const plan = await planned;
    return {
      contentHashes: page.map((row) => row.hash),
      duplicates: [...duplicates, ...plan.duplicates],
    };
  }

  override async preview(): Promise<CommitReport> {
    const open = this.current();
    const sequence = open.reserved ?? (await this.reserve(open));
    open.reserved = sequence;
    return { ...open.counts, sequence };
  }

  override async commit({
    onProgress = () => undefined,
    onVisible = () => Promise.resolve(),
  }: ImportCommitOptions = {}): Promise<CommitReport> {
    const open = this.current();
    const report = await this.preview();
    const { identity } = this.kb;
    await open.lock.use((session) => commitStaged(session, { ...report, identity, onProgress }));
    await onVisible();
    await this.discard();
    return report;
  }

  override async discard(): Promise<void> {
    const { open } = this;
    if (open === undefined) return;
    this.open = undefined;
    // What a broken connection leaves is dropped when the next import begins.
    await open.lock
      .use((session) => session.run(DROP_STAGING))
      .catch(() => undefined);
    await open.lock.release();
  }

  private current(): OpenImport {
    if (this.open === undefined) throw new Error('no import is open: call begin() first');
    if (this.open.failure !== undefined) throw this.open.failure;
    return this.open;
  }

  /** From here on nobody else writes. What they wrote until now may have made other rows of what is staged. */
  private reserve(open: OpenImport): Promise<number> {
    return open.lock.use(async (session) => {
      this.current();
      await open.lock.openWindow();
      await this.restageChanged(session, open);
      const { added, changed } = open.counts;
      return reserveSequences(session, this.kb.identity.id, added + changed);
    });
  }

  private async restageChanged(session: PostgresKbSession, open: OpenImport): Promise<void> {
    const now = await this.sequenceOf(session);
    if (now === open.since) return;
    const rows = await changedMeanwhile(session, open.since);
    await this.reserveKeys(session, open, rows.length);
    await unstage(session, rows.map(({ key }) => key)); // prettier-ignore
    for (const { state } of rows) open.counts[state]--;
    const plan = await planPage(session, rows, open.nextKey);
    take(open, plan);
    await stagePage(session, plan);
    open.since = now;
  }

  private async sequenceOf(session: PostgresKbSession): Promise<number> {
    const sql = 'SELECT sequence FROM referent.kb WHERE id = $1';
    const sequence = await session.value(sql, this.kb.identity.id);
    if (sequence === undefined) throw this.kb.gone();
    return Number(sequence);
  }

  /** In blocks, so that small pages are not a write to the KB's row each. */
  private async reserveKeys(
    session: PostgresKbSession,
    open: OpenImport,
    count: number,
  ): Promise<void> {
    if (open.endKey - open.nextKey >= count) return;
    const block = Math.max(count, KEY_BLOCK);
    const end = await session.value(
      'UPDATE referent.kb SET next_key = next_key + $2 WHERE id = $1 RETURNING next_key',
      this.kb.identity.id,
      block,
    );
    if (end === undefined) throw this.kb.gone();
    open.endKey = Number(end);
    open.nextKey = open.endKey - block;
  }
}

/** Of a stage that grows the planner knows nothing: it would read all of it for every page. */
const BY_INDEX = 'SET enable_hashjoin = off; SET enable_mergejoin = off';
const DROP_STAGING = 'DROP TABLE IF EXISTS kb_schema.staging';

function take(open: OpenImport, { counts, keysUsed }: StagedPage): void {
  open.counts.added += counts.added;
  open.counts.changed += counts.changed;
  open.counts.unchanged += counts.unchanged;
  open.nextKey += keysUsed;
}

