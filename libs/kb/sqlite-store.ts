import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, SqliteDialect } from 'kysely';
import {
  KbStore,
  type Change,
  type KbInfo,
} from './kb-store.js';
import { PublishWindow } from './publish-window.js';
import { SqliteConnection } from './sqlite-driver.js';
import { SqliteStoreCheck } from './sqlite-check.js';
import { SqliteEntityTable } from './sqlite-entities.js';
import { SqliteEntityWriter } from './sqlite-entity-writer.js';
import { SqliteImportStage } from './sqlite-import.js';
import { SqliteLearnedTable } from './sqlite-learned.js';
import { SqliteModelTable } from './sqlite-models.js';
import { SqliteNameTable } from './sqlite-names.js';
import { migrate, type Tables } from './sqlite-schema.js';
import { SqliteVectorTable } from './sqlite-vectors.js';
import { SqliteWriter } from './sqlite-writer.js';

export interface SqliteStoreOptions {
  readonly name: string;
  readonly folder: string;
  readonly maxBytes?: number | undefined;
  /** Whether a file without tables may be made a store; it is damaged otherwise. */
  readonly mayCreate: boolean;
}

/** One KB in one SQLite file: a connection that reads, and one that writes, opened when it is needed. */
export class SqliteKbStore extends KbStore {
  override readonly name: string;
  override readonly entities: SqliteEntityTable;
  override readonly names: SqliteNameTable;
  override readonly vectors: SqliteVectorTable;
  override readonly learned: SqliteLearnedTable;
  override readonly imports: SqliteImportStage;
  override readonly writes: SqliteEntityWriter;
  override readonly models: SqliteModelTable;
  override readonly check: SqliteStoreCheck;
  private readonly queries: Kysely<Tables>;
  private readonly reader: SqliteConnection;
  private readonly window: PublishWindow;

  private constructor(
    options: SqliteStoreOptions,
    reader: SqliteConnection,
    private readonly writer: SqliteWriter,
  ) {
    super();
    this.name = options.name;
    this.reader = reader;
    this.queries = new Kysely({ dialect: new SqliteDialect({ database: reader.forKysely() }) });
    const shared = { reader, writer, queries: this.queries };
    this.names = new SqliteNameTable(shared);
    this.entities = new SqliteEntityTable({ ...shared, bm25: this.names.bm25 });
    this.vectors = new SqliteVectorTable({ ...shared, folder: options.folder });
    const place = { folder: options.folder, kbName: options.name };
    this.window = new PublishWindow(place);
    const shop = { writer, window: this.window };
    this.learned = new SqliteLearnedTable({ ...shop, reader });
    this.imports = new SqliteImportStage({ ...shop, ...place });
    this.writes = new SqliteEntityWriter(shop);
    this.models = new SqliteModelTable({ ...place, reader, writer });
    this.check = new SqliteStoreCheck(options.folder);
  }

  /** Opens the store of a folder that exists, making the file or bringing it to the current schema. */
  static async open(options: SqliteStoreOptions): Promise<SqliteKbStore> {
    const writer = new SqliteWriter(options);
    try {
      await writer.use((connection) => {
        migrate(connection, options.mayCreate);
      });
      return new SqliteKbStore(options, openReader(options.folder), writer);
    } catch (error) {
      writer.close();
      throw error;
    }
  }

  static exists(folder: string): boolean {
    return existsSync(join(folder, 'store.sqlite'));
  }

  /** Which file stands there: device and inode, which are not given out again while it is open; undefined for none. */
  static identity(folder: string): string | undefined {
    const file = join(folder, 'store.sqlite');
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? undefined : `${found.dev}:${found.ino}`;
  }

  override async info(): Promise<KbInfo> {
    const row = await this.queries
      .selectFrom('kb')
      .select(['sequence', 'entities', 'names', 'updated_at as updatedAt', 'active_model as activeModel'])
      .executeTakeFirstOrThrow();
    return { name: this.name, ...row };
  }

  /** Nothing was ever committed, and there is no vector that a later import could use. */
  async isUnused(): Promise<boolean> {
    const { sequence } = await this.info();
    return sequence === 0 && Number(this.reader.value('SELECT count(*) FROM vector')) === 0;
  }

  override async changesSince(sequence: number, limit: number): Promise<readonly Change[]> {
    return this.queries
      .selectFrom('change')
      .select(['sequence', 'key', 'kind'])
      .where('sequence', '>', sequence)
      .orderBy('sequence')
      .limit(limit)
      .execute();
  }

  override async close(): Promise<void> {
    await this.imports.discard();
    // Not `queries.destroy()`: what a request still asks then fails with an error of Kysely's, not as `not-ready`.
    this.reader.close();
    this.writer.close();
    this.window.end();
  }
}

function openReader(folder: string): SqliteConnection {
  const connection = SqliteConnection.open(join(folder, 'store.sqlite'));
  connection.exec('PRAGMA query_only = ON; PRAGMA cache_size = -32768');
  return connection;
}
