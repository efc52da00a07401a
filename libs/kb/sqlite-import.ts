import type { EntityRecord } from '../contract/entity.js';
import { contentHash } from './content-hash.js';
import { nameRank, namesOf, type EntityName } from './entity-names.js';
import { ImportLock } from './import-lock.js';
import {
  ImportStage,
  type CommitReport,
  type DuplicateId,
  type StageReport,
} from './kb-store.js';
import { searchTextOf } from './search-text.js';
import { commitStaged, reserveSequences } from './sqlite-commit.js';
import type { SqliteConnection } from './sqlite-driver.js';
import type { SqliteWriter } from './sqlite-writer.js';

type StagedState = 'added' | 'changed' | 'unchanged';

/** What the store and the stage hold under an id. */
interface Known {
  readonly visible: { readonly key: number; readonly record: string } | undefined;
  readonly staged:
    | { readonly key: number; readonly state: StagedState; readonly position: number }
    | undefined;
}

interface OpenImport {
  readonly lock: ImportLock;
  readonly counts: Record<StagedState, number>;
  staged: number;
  /** Keys handed out by the store and not used yet: [next, end). */
  nextKey: number;
  endKey: number;
  /** The sequence that the commit will reach; undefined until reserved, and again after more was staged. */
  reserved: number | undefined;
}

const KEY_BLOCK = 4_096;
/** Enough for a page that is being learned to be committed. */
const PATIENCE_MS = 300;

export interface SqliteImportOptions {
  readonly folder: string;
  readonly kbName: string;
  readonly writer: SqliteWriter;
}

export class SqliteImportStage extends ImportStage {
  private open: OpenImport | undefined;

  constructor(private readonly options: SqliteImportOptions) {
    super();
  }

  override async begin(): Promise<void> {
    const { folder, kbName, writer } = this.options;
    const lock = await ImportLock.await(folder, kbName, PATIENCE_MS);
    this.open = {
      lock,
      counts: { added: 0, changed: 0, unchanged: 0 },
      staged: 0,
      nextKey: 0,
      endKey: 0,
      reserved: undefined,
    };
    try {
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
    const page = records.map((record, index) => ({
      record,
      hash: contentHash(record),
      position: positions?.[index] ?? from + index,
    }));
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
    const { counts } = open;
    open.reserved ??= await this.options.writer.use((connection) =>
      reserveSequences(connection, counts.added + counts.changed),
    );
    return { ...counts, sequence: open.reserved };
  }

  override async commit(
    onProgress: (done: number, total: number) => void = () => undefined,
  ): Promise<CommitReport> {
    const report = await this.preview();
    await this.options.writer.use((connection) =>
      commitStaged(connection, { ...report, onProgress }),
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
      if (state === 'unchanged') stageUnchanged(connection, key, row);
      else stageRecord(connection, { key, state, json, row });
    }
    return duplicates;
  }
}

interface StagedRow {
  readonly record: EntityRecord;
  readonly hash: string;
  readonly position: number;
}

function lastOfEachId(page: readonly StagedRow[]) {
  const byId = new Map<string, StagedRow>();
  const duplicates: DuplicateId[] = [];
  for (const row of page) {
    const { id } = row.record;
    const earlier = byId.get(id);
    if (earlier) duplicates.push({ id, earlier: earlier.position, later: row.position });
    byId.set(id, row);
  }
  return { last: [...byId.values()], duplicates };
}

function lookUp(connection: SqliteConnection, ids: readonly string[]): Map<string, Known> {
  const rows = connection.rows(
    `SELECT asked.value, e.key, e.record, s.key, s.state, s.position FROM json_each(?) AS asked
     LEFT JOIN main.entity AS e ON e.id = asked.value
     LEFT JOIN staging.entity AS s ON s.id = asked.value
     WHERE e.key IS NOT NULL OR s.key IS NOT NULL`,
    JSON.stringify(ids),
  );
  return new Map(
    rows.map(([id, key, record, stagedKey, state, position]) => [
      String(id),
      {
        visible: key === null ? undefined : { key: Number(key), record: String(record) },
        staged:
          stagedKey === null
            ? undefined
            : {
                key: Number(stagedKey),
                state: state as StagedState,
                position: Number(position),
              },
      },
    ]),
  );
}

/** One spelling of a record, whatever the order of its fields was: equal text, equal record. */
function serialise(record: EntityRecord): string {
  const { id, title, aliases, description, types, prior, url, data } = record;
  return JSON.stringify({ id, title, aliases, description, types, prior, url, data });
}

function stateOf(visible: { readonly record: string } | undefined, json: string): StagedState {
  if (visible === undefined) return 'added';
  return visible.record === json ? 'unchanged' : 'changed';
}

const INSERT = `INSERT INTO staging.entity
  (key, id, position, state, rank, content_hash, record, names, weights, title, aliases, description)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Only so that a later record with the same id is seen as a duplicate. */
function stageUnchanged(connection: SqliteConnection, key: number, row: StagedRow): void {
  connection.run(
    `INSERT INTO staging.entity (key, id, position, state, rank, content_hash)
     VALUES (?, ?, ?, 'unchanged', 0, x'')`,
    key,
    row.record.id,
    row.position,
  );
}

interface StagedRecord {
  readonly key: number;
  readonly state: StagedState;
  readonly json: string;
  readonly row: StagedRow;
}

function stageRecord(connection: SqliteConnection, staged: StagedRecord): void {
  const { key, state, json, row } = staged;
  const names = namesOf(row.record);
  const text = searchTextOf(row.record, names);
  const { normalised, weights } = nameColumns(text.title, names);
  connection.run(
    INSERT,
    key,
    row.record.id,
    row.position,
    state,
    nameRank(row.record.id, true),
    Buffer.from(row.hash, 'hex'),
    json,
    JSON.stringify(normalised),
    weights.some((weight) => weight !== null) ? JSON.stringify(weights) : null,
    text.title,
    text.aliases,
    text.description,
  );
}

/** Two lists of the same length; the first place is the title's, even where it has no normal form. */
function nameColumns(title: string, names: readonly EntityName[]) {
  const titleWeight = names.find((name) => name.isTitle)?.weight ?? null;
  const aliases = names.filter((name) => !name.isTitle);
  return {
    normalised: [title, ...aliases.map((name) => name.normalised)],
    weights: [titleWeight, ...aliases.map((name) => name.weight)],
  };
}
