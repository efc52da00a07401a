import pg from 'pg';
import { ReferentError } from '../contract/errors.js';
import { mapPostgresError } from './postgres-errors.js';

type PgScalar = string | number | boolean | Uint8Array | null;
/** What may be bound. */
export type PgValue = PgScalar | readonly PgScalar[];
/** A row by position. int8 comes as a number: keys and sequences stay far below 2^53. */
export type PgRow = readonly unknown[];

export interface PgResult {
  readonly rows: unknown[][];
  readonly rowCount: number | null;
}

/** Connections of a process, over all its KBs. Writers may wait for what only a reader can tell, so they have their own. */
const READERS = 6;
const WRITERS = 4;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;
/** How long a write waits for another one's commit. */
const LOCK_TIMEOUT_MS = 5_000;
const IDLE_MS = 30_000;
/** An acknowledged write is on disk. JIT compiling costs more than any of our queries takes. */
const SESSION = '-c synchronous_commit=on -c jit=off -c client_min_messages=warning';

/** SQL on whatever connection it has. */
export abstract class PgSession {
  abstract query(config: pg.QueryArrayConfig): Promise<PgResult>;

  /** Rows as arrays of column values, in the order of the query's columns. */
  async rows(sql: string, ...values: readonly PgValue[]): Promise<PgRow[]> {
    return (await this.query({ text: sql, values: [...values], rowMode: 'array' })).rows;
  }

  /** The first column of the first row; undefined where there is no row. */
  async value(sql: string, ...values: readonly PgValue[]): Promise<unknown> {
    return (await this.rows(sql, ...values))[0]?.[0];
  }

  /** Runs a statement that changes rows and says how many it changed. */
  async run(sql: string, ...values: readonly PgValue[]): Promise<number> {
    return (await this.query({ text: sql, values: [...values], rowMode: 'array' })).rowCount ?? 0;
  }
}

/** One connection, for a transaction or for a lock that lasts as long as it does. */
export class PgConnection extends PgSession {
  constructor(
    private readonly client: pg.ClientBase,
    private readonly target: string,
  ) {
    super();
  }

  /** All of `work` or nothing of it; what a broken connection leaves open is rolled back by the server. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.run('BEGIN');
    let result: T;
    try {
      result = await work();
    } catch (error) {
      await this.run('ROLLBACK').catch(() => undefined);
      throw error;
    }
    await this.run('COMMIT');
    return result;
  }

  override async query(config: pg.QueryArrayConfig): Promise<PgResult> {
    return mapped(this.target, () => this.client.query(config));
  }
}

/** A connection outside the pools; `end` gives back whatever it locked. */
export interface OwnConnection {
  readonly connection: PgConnection;
  readonly end: () => Promise<void>;
}

/** The connections of a process to one database: any free one for a query, one for a transaction. */
export class PgDatabase extends PgSession {
  /** host:port/database, for messages: without user and password. */
  readonly target: string;
  private readonly config: pg.ClientConfig;
  private readonly readers: pg.Pool;
  private readonly writers: pg.Pool;

  constructor(databaseUrl: string) {
    super();
    this.target = targetOf(databaseUrl);
    this.config = {
      connectionString: databaseUrl,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
      application_name: 'referent',
      keepAlive: true,
      options: SESSION,
      types: { getTypeParser: parserOf },
    };
    this.readers = poolOf(this.config, READERS);
    this.writers = poolOf(this.config, WRITERS);
  }

  /** A transaction on a connection of its own. */
  async transaction<T>(work: (connection: PgConnection) => Promise<T>): Promise<T> {
    const client = await mapped(this.target, () => this.writers.connect());
    let isSound = false;
    try {
      const connection = new PgConnection(client, this.target);
      const result = await connection.transaction(() => work(connection));
      isSound = true;
      return result;
    } finally {
      // After an error the connection may be in any state: another one is cheap.
      client.release(!isSound);
    }
  }

  /** A connection that lives as long as the caller wants, without the limits of time that requests have. */
  async connect(): Promise<OwnConnection> {
    const client = new pg.Client({ ...this.config, statement_timeout: 0 });
    client.on('error', () => undefined);
    await mapped(this.target, () => client.connect());
    return {
      connection: new PgConnection(client, this.target),
      end: () => client.end().catch(() => undefined),
    };
  }

  /** Rows as objects, for Kysely. */
  objects(sql: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    return mapped(this.target, () => this.readers.query(sql, [...values]));
  }

  async close(): Promise<void> {
    await Promise.all([this.readers.end(), this.writers.end()]);
  }

  override query(config: pg.QueryArrayConfig): Promise<PgResult> {
    return mapped(this.target, () => this.readers.query(config));
  }
}

function poolOf(config: pg.ClientConfig, max: number): pg.Pool {
  const pool = new pg.Pool({ ...config, max, idleTimeoutMillis: IDLE_MS, allowExitOnIdle: true });
  // A connection that ends says so to whoever asks next; an event that nobody hears would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  return pool;
}

/** PostgreSQL's number of its type int8. */
const INT8: number = pg.types.builtins.INT8;

type Parser = (value: string) => unknown;
const parsers = pg.types.getTypeParser as (oid: number, format?: 'text' | 'binary') => Parser;

function parserOf(oid: number, format?: 'text' | 'binary'): Parser {
  return oid === INT8 ? Number : parsers(oid, format);
}

async function mapped<T>(target: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw mapPostgresError(error, target);
  }
}

/** @throws ReferentError `invalid-input`; the address is not repeated, as it may hold a password. */
function targetOf(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl);
    const host = decodeURIComponent(url.hostname) || 'localhost';
    const database = decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(url.username);
    return `the PostgreSQL database ${database} at ${host}:${url.port || '5432'}`;
  } catch {
    throw new ReferentError(
      'invalid-input',
      'DATABASE_URL cannot be read; it should look like postgres://user:password@host:5432/database, with special characters in user and password as %XX',
    );
  }
}
