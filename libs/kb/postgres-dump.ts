import {
  dumpedState,
  KbDump,
  KbReader,
  type DumpedName,
  type DumpedRows,
  type DumpedState,
  type DumpTable,
} from './kb-dump.js';
import type { PgRow, PgValue } from './postgres-driver.js';
import type { PostgresKb, PostgresKbSession } from './postgres-kb.js';
import { PostgresImportLock } from './postgres-lock.js';
import { PostgresModelTable } from './postgres-models.js';
import { fromColumn } from './postgres-text.js';

/** A page's query: rows after the cursor's values ($1 …), and what the page's last row makes the cursor. */
interface TableQuery<T extends DumpTable> {
  readonly sql: string;
  readonly first: readonly PgValue[];
  readonly next: (row: PgRow) => readonly PgValue[];
  readonly read: (row: PgRow) => DumpedRows[T];
}

const PAGE = 2_000;
const NOTHING = Buffer.alloc(0);
const hex = (value: unknown): string => Buffer.from(value as Uint8Array).toString('hex');

const QUERIES: { readonly [T in DumpTable]: TableQuery<T> } = {
  entity: {
    sql: `
      SELECT e.key, e.record, e.content_hash, coalesce((
        SELECT json_agg(json_build_array(n.normalised, n.rank, n.prior) ORDER BY n.rank, n.normalised)
        FROM kb_schema.name AS n WHERE n.key = e.key), '[]')
      FROM kb_schema.entity AS e WHERE e.key > $1 ORDER BY e.key LIMIT ${PAGE}`,
    first: [0],
    next: ([key]) => [Number(key)],
    read: ([key, record, contentHash, names]) => [
      Number(key),
      String(record),
      hex(contentHash),
      (names as DumpedName[]).map(([name, rank, prior]) => [fromColumn(name), rank, prior]),
    ],
  },
  change: {
    sql: `SELECT sequence, key, kind FROM kb_schema.change WHERE sequence > $1 ORDER BY sequence LIMIT ${PAGE}`,
    first: [-1],
    next: ([sequence]) => [Number(sequence)],
    read: ([sequence, key, kind]) => [Number(sequence), Number(key), String(kind)],
  },
  vector: {
    sql: `
      SELECT v.model, v.content_hash, v.vector, m.version
      FROM kb_schema.vector AS v JOIN kb_schema.model AS m ON m.id = v.model
      WHERE (v.model, v.content_hash) > ($1, $2) ORDER BY v.model, v.content_hash LIMIT ${PAGE}`,
    first: [0, NOTHING],
    next: ([model, contentHash]) => [Number(model), contentHash as Uint8Array],
    read: ([, contentHash, bytes, version]) => [
      String(version),
      hex(contentHash),
      bytes as Uint8Array,
    ],
  },
  learnedDocument: {
    sql: `SELECT hash FROM kb_schema.learned_document WHERE hash > $1 ORDER BY hash LIMIT ${PAGE}`,
    first: [NOTHING],
    next: ([hash]) => [hash as Uint8Array],
    read: ([hash]) => [hex(hash)],
  },
  learnedName: {
    sql: `
      SELECT hash, key, normalised, count FROM kb_schema.learned_name
      WHERE (hash, key) > ($1, $2) ORDER BY hash, key LIMIT ${PAGE}`,
    first: [NOTHING, 0],
    next: ([hash, key]) => [hash as Uint8Array, Number(key)],
    read: ([, key, name, count]) => [fromColumn(String(name)), Number(key), Number(count)],
  },
  learnedSurface: {
    sql: `
      SELECT hash, normalised, seen, marked FROM kb_schema.learned_surface
      WHERE hash > $1 ORDER BY hash LIMIT ${PAGE}`,
    first: [NOTHING],
    next: ([hash]) => [hash as Uint8Array],
    read: ([, name, seen, marked]) => [fromColumn(String(name)), Number(seen), Number(marked)],
  },
  retiredContent: {
    sql: `
      SELECT content_hash FROM kb_schema.retired_content
      WHERE content_hash > $1 ORDER BY content_hash LIMIT ${PAGE}`,
    first: [NOTHING],
    next: ([contentHash]) => [contentHash as Uint8Array],
    read: ([contentHash]) => [hex(contentHash)],
  },
};

/** Reads of a KB on one connection. */
export class PostgresReader extends KbReader {
  constructor(
    private readonly kb: PostgresKb,
    private readonly use: <T>(work: (session: PostgresKbSession) => Promise<T>) => Promise<T>,
  ) {
    super();
  }

  override async state(): Promise<DumpedState> {
    const { row, models } = await this.use(async (session) => ({
      row: (await session.rows(STATE, this.kb.identity.id))[0],
      models: await new PostgresModelTable(this.kb).stateOf(session),
    }));
    if (row === undefined) throw this.kb.gone();
    return dumpedState(row, models);
  }

  override async *pages<T extends DumpTable>(table: T): AsyncIterable<readonly DumpedRows[T][]> {
    const { sql, first, next, read }: TableQuery<T> = QUERIES[table];
    for (let cursor = first; ;) {
      const rows = await this.use((session) => session.rows(sql, ...cursor));
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows.map(read);
      cursor = next(last);
    }
  }
}

const STATE = `
  SELECT sequence, entities, names, updated_at, next_key, reserved_sequence, forgotten_at
  FROM referent.kb WHERE id = $1`;

/** A KB in PostgreSQL in one state: nobody imports or writes, and what is read is read in one transaction. */
export class PostgresDump extends KbDump {
  private constructor(
    private readonly lock: PostgresImportLock,
    private readonly reader: PostgresReader,
  ) {
    super();
  }

  static async open(kb: PostgresKb): Promise<PostgresDump> {
    const lock = await PostgresImportLock.await(kb, 0);
    try {
      await lock.use(async (session) => {
        await lock.openWindow();
        await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      });
    } catch (error) {
      await lock.release();
      throw error;
    }
    return new PostgresDump(lock, new PostgresReader(kb, (work) => lock.use(work)));
  }

  override state(): Promise<DumpedState> {
    return this.reader.state();
  }

  override pages<T extends DumpTable>(table: T): AsyncIterable<readonly DumpedRows[T][]> {
    return this.reader.pages(table);
  }

  override close(): Promise<void> {
    return this.lock.release();
  }
}
