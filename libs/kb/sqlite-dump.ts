import { join } from 'node:path';
import { nameRank } from './entity-names.js';
import { ImportLock } from './import-lock.js';
import {
  dumpedState,
  KbDump,
  KbReader,
  type DumpedName,
  type DumpedRows,
  type DumpedState,
  type DumpTable,
} from './kb-dump.js';
import { patiently } from './patience.js';
import { PublishWindow } from './publish-window.js';
import { breathe } from './settle.js';
import { blobBytes, SqliteConnection, type SqlValue } from './sqlite-driver.js';
import { stateOf } from './sqlite-models.js';

type SqlRow = readonly SqlValue[];

/** A page's query: rows after the cursor's values (?1 …), and what the page's last row makes the cursor. */
interface TableQuery<T extends DumpTable> {
  readonly sql: string;
  readonly first: readonly SqlValue[];
  readonly next: (row: SqlRow) => readonly SqlValue[];
  readonly read: (row: SqlRow, connection: SqliteConnection) => DumpedRows[T];
}

const PAGE = 1_000;
/** Writers leave for it what they are doing. */
const WINDOW_PATIENCE_MS = 10_000;
const NOTHING = new Uint8Array(0);
const hex = (value: unknown): string => Buffer.from(blobBytes(value)).toString('hex');

/** The names that an entity lists, with the weights of those that lead to it. */
const NAMES = `
  SELECT n.value, x.rank, x.prior FROM json_each(?1) AS n
  CROSS JOIN name AS x ON x.normalised = n.value
    AND x.rank = ?2 + iif(n.key = 0, 0, 4294967296) AND x.key = ?3
  ORDER BY x.rank, x.normalised`;

const QUERIES: { readonly [T in DumpTable]: TableQuery<T> } = {
  entity: {
    sql: `SELECT key, record, content_hash, id, names FROM entity WHERE key > ?1 ORDER BY key LIMIT ${PAGE}`,
    first: [0],
    next: ([key]) => [Number(key)],
    read: ([key, record, contentHash, id, names], connection) => [
      Number(key),
      String(record),
      hex(contentHash),
      connection
        .rows(NAMES, String(names), nameRank(String(id), true), Number(key))
        .map(nameOf),
    ],
  },
  change: {
    sql: `SELECT sequence, key, kind FROM change WHERE sequence > ?1 ORDER BY sequence LIMIT ${PAGE}`,
    first: [-1],
    next: ([sequence]) => [Number(sequence)],
    read: ([sequence, key, kind]) => [Number(sequence), Number(key), String(kind)],
  },
  vector: {
    sql: `
      SELECT v.id, m.version, v.content_hash, v.vector FROM vector AS v JOIN model AS m ON m.id = v.model
      WHERE v.id > ?1 ORDER BY v.id LIMIT ${PAGE}`,
    first: [0],
    next: ([id]) => [Number(id)],
    read: ([, version, contentHash, bytes]) => [String(version), hex(contentHash), blobBytes(bytes)],
  },
  learnedDocument: {
    sql: `SELECT hash FROM learned_document WHERE hash > ?1 ORDER BY hash LIMIT ${PAGE}`,
    first: [NOTHING],
    next: ([hash]) => [blobBytes(hash)],
    read: ([hash]) => [hex(hash)],
  },
  learnedName: {
    sql: `
      SELECT normalised, key, count FROM learned_name
      WHERE (normalised, key) > (?1, ?2) ORDER BY normalised, key LIMIT ${PAGE}`,
    first: ['', -1],
    next: ([name, key]) => [String(name), Number(key)],
    read: ([name, key, count]) => [String(name), Number(key), Number(count)],
  },
  learnedSurface: {
    sql: `
      SELECT normalised, seen, marked FROM learned_surface
      WHERE normalised > ?1 ORDER BY normalised LIMIT ${PAGE}`,
    first: [''],
    next: ([name]) => [String(name)],
    read: ([name, seen, marked]) => [String(name), Number(seen), Number(marked)],
  },
  retiredContent: {
    sql: `
      SELECT content_hash FROM retired_content WHERE content_hash > ?1 ORDER BY content_hash LIMIT ${PAGE}`,
    first: [NOTHING],
    next: ([contentHash]) => [blobBytes(contentHash)],
    read: ([contentHash]) => [hex(contentHash)],
  },
};

function nameOf([name, rank, prior]: SqlRow): DumpedName {
  return [String(name), Number(rank), prior === null ? null : Number(prior)];
}

/** Reads of a KB on one connection. */
export class SqliteReader extends KbReader {
  constructor(private readonly connection: SqliteConnection) {
    super();
  }

  override state(): Promise<DumpedState> {
    const [row = []] = this.connection.rows(
      'SELECT sequence, entities, names, updated_at, next_key, reserved_sequence, forgotten_at FROM kb',
    );
    return Promise.resolve(dumpedState(row, stateOf(this.connection)));
  }

  override async *pages<T extends DumpTable>(table: T): AsyncIterable<readonly DumpedRows[T][]> {
    const { sql, first, next, read }: TableQuery<T> = QUERIES[table];
    for (let cursor = first; ;) {
      const rows = this.connection.rows(sql, ...cursor);
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows.map((row) => read(row, this.connection));
      cursor = next(last);
      await breathe();
    }
  }
}

/** A KB in SQLite in one state: nobody imports or writes, and what is read is read in one transaction. */
export class SqliteDump extends KbDump {
  private constructor(
    private readonly connection: SqliteConnection,
    private readonly locks: readonly { release(): void }[],
  ) {
    super();
  }

  static async open(folder: string, kbName: string): Promise<SqliteDump> {
    const lock = ImportLock.take(folder, kbName);
    const window = new PublishWindow({ folder, kbName });
    const locks = [lock, { release: () => { window.end(); } }]; // prettier-ignore
    try {
      await patiently(WINDOW_PATIENCE_MS, () => {
        window.open();
      });
      const connection = SqliteConnection.open(join(folder, 'store.sqlite'));
      connection.exec('PRAGMA query_only = ON; BEGIN');
      return new SqliteDump(connection, locks);
    } catch (error) {
      for (const held of locks) held.release();
      throw error;
    }
  }

  override state(): Promise<DumpedState> {
    return new SqliteReader(this.connection).state();
  }

  override pages<T extends DumpTable>(table: T): AsyncIterable<readonly DumpedRows[T][]> {
    return new SqliteReader(this.connection).pages(table);
  }

  override close(): Promise<void> {
    this.connection.rollback();
    this.connection.close();
    for (const lock of this.locks) lock.release();
    return Promise.resolve();
  }
}
