import type pg from 'pg';
import { ReferentError } from '../contract/errors.js';
import {
  PgSession,
  type PgConnection,
  type PgDatabase,
  type PgResult,
} from './postgres-driver.js';
import { saysGone } from './postgres-errors.js';
import { inSchema } from './postgres-schema.js';

/** Which KB it is: a row of the catalog. */
export interface KbIdentity {
  readonly name: string;
  readonly id: string;
  /** The second key of its advisory locks. */
  readonly number: number;
  readonly schema: string;
}

/** What a write finds, with the KB's row locked until it commits. */
export interface KbState {
  readonly sequence: number;
  readonly reserved: number;
}

/**
 * SQL in one KB's schema, which statements call `kb_schema`. A KB that was closed, or removed from the database, is
 * `not-ready`.
 */
export class PostgresKb extends PgSession {
  private isClosed = false;

  constructor(
    readonly identity: KbIdentity,
    readonly database: PgDatabase,
  ) {
    super();
  }

  /** Statements in the KB's schema. */
  sql(statement: string): string {
    return inSchema(statement, this.identity.schema);
  }

  /**
   * A transaction that holds the KB's row from the beginning of `work`; locks that others hold for long come `before`: whoever gets the next sequence after it also becomes
   * visible after it, so that a follower of the change feed misses nothing. On disk when it returns.
   */
  write<T>(
    work: (session: PostgresKbSession, state: KbState) => Promise<T>,
    before: (session: PostgresKbSession) => Promise<void> = () => Promise.resolve(),
  ): Promise<T> {
    return this.transaction(async (session) => {
      await before(session);
      return work(session, await session.lockedState());
    });
  }

  transaction<T>(work: (session: PostgresKbSession) => Promise<T>): Promise<T> {
    this.assertOpen();
    return this.database.transaction((connection) => work(this.on(connection)));
  }

  /** The KB's statements on one connection. */
  on(connection: PgConnection): PostgresKbSession {
    return new PostgresKbSession(this, connection);
  }

  /** For Kysely. */
  async objects(sql: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    this.assertOpen();
    return this.unlessGone(() => this.database.objects(sql, values));
  }

  close(): void {
    this.isClosed = true;
  }

  assertOpen(): void {
    if (this.isClosed) throw this.gone();
  }

  async unlessGone<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw saysGone(error) ? this.gone(error) : error;
    }
  }

  gone(cause?: unknown): ReferentError {
    return new ReferentError(
      'not-ready',
      `the knowledge base ${this.identity.name} in ${this.database.target} was closed: it was removed or replaced meanwhile; try again`,
      { cause },
    );
  }

  override query(config: pg.QueryArrayConfig): Promise<PgResult> {
    this.assertOpen();
    return this.unlessGone(() => this.database.query({ ...config, text: this.sql(config.text) }));
  }
}

/** The same on one connection. */
export class PostgresKbSession extends PgSession {
  constructor(
    private readonly kb: PostgresKb,
    private readonly connection: PgConnection,
  ) {
    super();
  }

  override query(config: pg.QueryArrayConfig): Promise<PgResult> {
    const query = { ...config, text: this.kb.sql(config.text) };
    return this.kb.unlessGone(() => this.connection.query(query));
  }

  transaction<T>(work: () => Promise<T>): Promise<T> {
    return this.connection.transaction(work);
  }

  /** Locks the KB's row until the transaction ends. */
  async lockedState(): Promise<KbState> {
    const [row] = await this.rows(
      'SELECT sequence, reserved_sequence FROM referent.kb WHERE id = $1 FOR UPDATE',
      this.kb.identity.id,
    );
    if (row === undefined) throw this.kb.gone();
    return { sequence: Number(row[0]), reserved: Number(row[1]) };
  }
}
