import Libsql from 'libsql';
import { ReferentError, type ErrorCode } from '../contract/errors.js';

/** What SQLite stores and what may be bound. */
export type SqlValue = string | number | bigint | Uint8Array | null;

/** The part of libsql that is used; its own types are those of another library. */
interface NativeStatement {
  readonly reader: boolean;
  raw(on: boolean): NativeStatement;
  run(parameters: readonly unknown[]): { changes: number; lastInsertRowid: number | bigint };
  all(parameters: readonly unknown[]): unknown[];
}

interface NativeDatabase {
  readonly inTransaction: boolean;
  prepare(sql: string): NativeStatement;
  exec(sql: string): void;
  close(): void;
}

/**
 * One connection. Traps of libsql 0.5 that are kept in here: `get` after `all` does not reset a statement
 * (so `get` is not used), rows of `get` carry `_metadata`, blobs are `Buffer` in raw rows and `ArrayBuffer`
 * in object rows, an error on opening has no code, and a text is cut at its first NUL when read.
 */
export class SqliteConnection {
  private readonly statements = new Map<string, NativeStatement>();
  private isClosed = false;

  private constructor(
    private readonly native: NativeDatabase,
    readonly file: string,
  ) {}

  static open(file: string): SqliteConnection {
    return mapped(file, () => {
      const connection = new SqliteConnection(new Libsql(file), file);
      connection.exec('PRAGMA busy_timeout = 10000');
      return connection;
    });
  }

  /** Statements without parameters and results. */
  exec(sql: string): void {
    this.assertOpen();
    mapped(this.file, () => {
      this.native.exec(sql);
    });
  }

  /** Rows as arrays of column values, in the order of the query's columns. */
  rows(sql: string, ...parameters: readonly SqlValue[]): SqlValue[][] {
    return mapped(
      this.file,
      () => this.prepared(sql).raw(true).all(parameters) as SqlValue[][],
    );
  }

  /** The first column of the first row; undefined where there is no row. */
  value(sql: string, ...parameters: readonly SqlValue[]): SqlValue | undefined {
    return this.rows(sql, ...parameters)[0]?.[0];
  }

  /** Runs a statement that changes rows and says how many it changed. */
  run(sql: string, ...parameters: readonly SqlValue[]): number {
    return mapped(this.file, () => this.prepared(sql).run(parameters).changes);
  }

  /** All of `work` or nothing of it, holding the write lock from the start. `work` must not await. */
  transaction<T>(work: () => T): T {
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** false too where SQLite has ended it itself (a full disk). */
  get isInTransaction(): boolean {
    return !this.isClosed && this.native.inTransaction;
  }

  /** Ends an open transaction; SQLite may have done so itself (a full disk). */
  rollback(): void {
    if (this.isInTransaction) this.exec('ROLLBACK');
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.statements.clear();
    this.native.close();
  }

  /** The connection in the shape of Kysely's SQLite dialect. */
  forKysely() {
    return {
      prepare: (sql: string) => this.kyselyStatement(sql),
      close: () => {
        this.close();
      },
    };
  }

  private kyselyStatement(sql: string) {
    const statement = mapped(this.file, () => {
      const prepared = this.prepared(sql);
      return prepared.reader ? prepared.raw(false) : prepared;
    });
    const all = (parameters: readonly unknown[]) => this.onOpen(() => statement.all(parameters));
    return {
      reader: statement.reader,
      all,
      run: (parameters: readonly unknown[]) => this.onOpen(() => statement.run(parameters)),
      iterate: (parameters: readonly unknown[]) => all(parameters)[Symbol.iterator](),
    };
  }

  private onOpen<T>(work: () => T): T {
    this.assertOpen();
    return mapped(this.file, work);
  }

  /** A request can outlive its KB: what it still asks is refused here, before the driver meets a closed handle. */
  private assertOpen(): void {
    if (!this.isClosed) return;
    throw new ReferentError(
      'not-ready',
      `${this.file} was closed: its knowledge base was removed or replaced meanwhile; try again`,
    );
  }

  private prepared(sql: string): NativeStatement {
    this.assertOpen();
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.native.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }
}

/** Bytes of a blob column, whichever way libsql hands it out. */
export function blobBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return new Uint8Array(value as ArrayBuffer);
}

function mapped<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw mapError(error, file);
  }
}

const DISK_FULL = 'free space on the disk (or raise the store limit) and run the command again';
const INVALID = 'restore it from a copy, or drop the knowledge base and import it again';
const BUSY = 'wait for the other process to end its import and try again';

/** SQLite result codes that have an answer; the rest are faults of our own and stay as they are. */
const CODES: readonly (readonly [prefix: string, code: ErrorCode, what: string, remedy: string])[] =
  [
    ['SQLITE_FULL', 'disk-full', 'no room left for', DISK_FULL],
    ['SQLITE_CORRUPT', 'store-invalid', 'damaged store', INVALID],
    ['SQLITE_NOTADB', 'store-invalid', 'not a store', INVALID],
    ['SQLITE_CANTOPEN', 'store-invalid', 'cannot open', 'check the path and its permissions'],
    ['SQLITE_READONLY', 'store-invalid', 'cannot write', 'check the permissions of the folder'],
    ['SQLITE_IOERR', 'store-invalid', 'reading or writing failed for', 'check the disk'],
    ['SQLITE_BUSY', 'busy', 'another process is writing to', BUSY],
    ['SQLITE_LOCKED', 'busy', 'another process is writing to', BUSY],
  ];

/** Turns SQLite's errors into ours, with the cause kept. */
function mapError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof ReferentError) return error;
  const code = sqliteCode(error);
  const known = CODES.find(([prefix]) => code.startsWith(prefix));
  if (known === undefined) return error;
  const [, ours, what, remedy] = known;
  return new ReferentError(ours, `${what} ${file} (${error.message}); ${remedy}`, { cause: error });
}

function sqliteCode(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.message.includes('ConnectionFailed') ? 'SQLITE_CANTOPEN' : '';
}
