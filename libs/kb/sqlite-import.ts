import type { EntityRecord } from '../contract/entity.js';
import { entityRows } from './entity-rows.js';
import { ImportLock } from './import-lock.js';
import {
  ImportStage,
  type CommitReport,
  type ImportCommitOptions,
  type DuplicateId,
  type StageReport,
} from './kb-store.js';
import { patiently } from './patience.js';
import type { PublishWindow } from './publish-window.js';
import { serialise } from './record-tag.js';
import { commitStaged, reserveSequences, sequenceOf } from './sqlite-commit.js';
import type { SqliteConnection, SqlValue } from './sqlite-driver.js';
import type { SqliteWriter } from './sqlite-writer.js';
import {
  emptyTally,
  knownOf,
  lastOfEachId,
  restagedRow,
  stagedRows,
  stateOf,
  type Known,
  type StagedRow,
  type StagedState,
  type StageTally,
} from './staged-rows.js';

interface OpenImport extends StageTally {
  readonly lock: ImportLock;
}

const KEY_BLOCK = 4_096;
const PATIENCE_MS = 300;
/** Single writes leave the KB alone for moments only; many processes that write all the time, not for long. */
const WINDOW_PATIENCE_MS = 10_000;

/** Staged rows whose entity was changed, made or deleted since: by key, or under the id of one that is visible now. */
const CHANGED_MEANWHILE = `
  WITH touched AS (SELECT key FROM main.change WHERE sequence > ?)
  SELECT s.key, s.state, s.position, s.record FROM staging.entity AS s
  WHERE s.key IN touched
    OR s.id IN (SELECT e.id FROM touched AS t JOIN main.entity AS e ON e.key = t.key)`;

export interface SqliteImportOptions {
  readonly folder: string;
  readonly kbName: string;
  readonly writer: SqliteWriter;
  readonly window: PublishWindow;
}

export class SqliteImportStage extends ImportStage {
  private open: OpenImport | undefined;

  constructor(private readonly options: SqliteImportOptions) {
    super();
  }

  override async begin(): Promise<void> {
    const { folder, kbName, writer } = this.options;
    const lock = await ImportLock.await(folder, kbName, PATIENCE_MS);
    this.open = { lock, ...emptyTally() };
    try {
      this.open.since = await writer.use(sequenceOf);
      await writer.startStaging();
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  override add(
    records: readonly EntityRecord[],
    positions?: readonly number[],
  ): Promise<StageReport> {
    const open = this.current();
    const from = open.staged;
    open.staged += records.length;
    open.reserved = undefined;
    const page = stagedRows(records, positions, from);
    return this.options.writer.use((connection) => {
      this.reserveKeys(connection, open, records.length);
      const { last, duplicates } = lastOfEachId(page);
      connection.exec('BEGIN');
      try {
        duplicates.push(...this.stagePage(connection, open, last));
        connection.exec('COMMIT');
      } catch (error) {
        connection.rollback();
        throw error;
      }
      return { contentHashes: page.map((row) => row.hash), duplicates };
    });
  }

  override async preview(): Promise<CommitReport> {
    const open = this.current();
    const sequence = open.reserved ?? (await this.reserve(open));
    open.reserved = sequence;
    return { ...open.counts, sequence };
  }

  /** From here on nobody else writes. What they wrote until now may have made other rows of what is staged. */
  private reserve(open: OpenImport): Promise<number> {
    const { writer, window } = this.options;
    return patiently(WINDOW_PATIENCE_MS, () =>
      writer.use((connection) => {
        window.open();
        this.restageChanged(connection, open);
        const { added, changed } = open.counts;
        return reserveSequences(connection, added + changed);
      }),
    );
  }

  private restageChanged(connection: SqliteConnection, open: OpenImport): void {
    const now = sequenceOf(connection);
    if (now === open.since) return;
    const rows = connection.rows(CHANGED_MEANWHILE, open.since).map(restagedRow);
    this.reserveKeys(connection, open, rows.length);
    connection.exec('BEGIN');
    try {
      for (const { key, state } of rows) {
        connection.run('DELETE FROM staging.entity WHERE key = ?', key);
        open.counts[state]--;
      }
      this.stagePage(connection, open, rows);
      connection.exec('COMMIT');
    } catch (error) {
      connection.rollback();
      throw error;
    }
    open.since = now;
  }

  override async commit({
    onProgress = () => undefined,
    onVisible = () => Promise.resolve(),
  }: ImportCommitOptions = {}): Promise<CommitReport> {
    const report = await this.preview();
    await this.options.writer.use((connection) =>
      commitStaged(connection, { ...report, onProgress, onVisible }),
    );
    await this.discard();
    return report;
  }

  override async discard(): Promise<void> {
    const { open } = this;
    if (open === undefined) return;
    this.open = undefined;
    try {
      await this.options.writer.stopStaging();
    } finally {
      this.options.window.close();
      open.lock.release();
    }
  }

  private current(): OpenImport {
    if (this.open === undefined) throw new Error('no import is open: call begin() first');
    return this.open;
  }

  /** In blocks, so that a page of a hundred thousand imports is not a hundred thousand writes to the store. */
  private reserveKeys(connection: SqliteConnection, open: OpenImport, count: number): void {
    if (open.endKey - open.nextKey >= count) return;
    const block = Math.max(count, KEY_BLOCK);
    connection.run('UPDATE main.kb SET next_key = next_key + ?', block);
    open.endKey = Number(connection.value('SELECT next_key FROM main.kb'));
    open.nextKey = open.endKey - block;
  }

  private stagePage(
    connection: SqliteConnection,
    open: OpenImport,
    page: readonly StagedRow[],
  ): DuplicateId[] {
    const known = lookUp(
      connection,
      page.map((row) => row.record.id),
    );
    const duplicates: DuplicateId[] = [];
    const rows: SqlValue[][] = [];
    for (const row of page) {
      const { visible, staged } = known.get(row.record.id) ?? {};
      if (staged !== undefined) {
        duplicates.push({ id: row.record.id, earlier: staged.position, later: row.position });
        open.counts[staged.state]--;
        connection.run('DELETE FROM staging.entity WHERE key = ?', staged.key);
      }
      const key = visible?.key ?? staged?.key ?? open.nextKey++;
      const json = serialise(row.record);
      const state = stateOf(visible, json);
      open.counts[state]++;
      rows.push(columnsOf({ key, state, json, row }));
    }
    insertRows(connection, rows);
    return duplicates;
  }
}

function lookUp(connection: SqliteConnection, ids: readonly string[]): Map<string, Known> {
  const rows = connection.rows(
    `SELECT asked.value, e.key, e.record, s.key, s.state, s.position FROM json_each(?) AS asked
     LEFT JOIN main.entity AS e ON e.id = asked.value
     LEFT JOIN staging.entity AS s ON s.id = asked.value
     WHERE e.key IS NOT NULL OR s.key IS NOT NULL`,
    JSON.stringify(ids),
  );
  return new Map(rows.map(([id, ...known]) => [String(id), knownOf(known)]));
}

const COLUMNS =
  'key, id, position, state, rank, content_hash, record, names, weights, title, aliases, description';
const insertOf = (rows: number) =>
  `INSERT INTO staging.entity (${COLUMNS})
   VALUES ${Array(rows).fill('(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').join(', ')}`;

/** A statement of many rows takes two thirds of the time of as many statements. */
const ROWS_A_STATEMENT = 32;
const INSERT_MANY = insertOf(ROWS_A_STATEMENT);
const INSERT_ONE = insertOf(1);

function insertRows(connection: SqliteConnection, rows: readonly (readonly SqlValue[])[]): void {
  const inMany = rows.length - (rows.length % ROWS_A_STATEMENT);
  for (let first = 0; first < inMany; first += ROWS_A_STATEMENT) {
    connection.run(INSERT_MANY, ...rows.slice(first, first + ROWS_A_STATEMENT).flat());
  }
  for (const row of rows.slice(inMany)) connection.run(INSERT_ONE, ...row);
}

interface StagedRecord {
  readonly key: number;
  readonly state: StagedState;
  readonly json: string;
  readonly row: StagedRow;
}

const NO_HASH = new Uint8Array(0);

/**
 * Values of COLUMNS. What is unchanged is staged without what would be written, so that a later record with the same id
 * is seen as a duplicate, and a change made meanwhile is undone.
 */
function columnsOf({ key, state, json, row }: StagedRecord): SqlValue[] {
  const known = [key, row.record.id, row.position, state];
  if (state === 'unchanged') return [...known, 0, NO_HASH, json, null, null, null, null, null];
  const { names, weights, rank, text } = entityRows(row.record);
  return [
    ...known,
    rank,
    Buffer.from(row.hash, 'hex'),
    json,
    JSON.stringify(names),
    weights.some((weight) => weight !== null) ? JSON.stringify(weights) : null,
    text.title,
    text.aliases,
    text.description,
  ];
}
