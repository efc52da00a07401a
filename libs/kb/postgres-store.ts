import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { KbStore, type Change, type KbInfo } from './kb-store.js';
import { PostgresStoreCheck } from './postgres-check.js';
import type { PgDatabase } from './postgres-driver.js';
import { PostgresEntityTable } from './postgres-entities.js';
import { PostgresEntityWriter } from './postgres-entity-writer.js';
import { PostgresImportStage } from './postgres-import.js';
import { PostgresKb, type KbIdentity } from './postgres-kb.js';
import { PostgresLearnedTable } from './postgres-learned.js';
import { PostgresLexical } from './postgres-lexical.js';
import { PostgresModelTable } from './postgres-models.js';
import { PostgresNameTable } from './postgres-names.js';
import { CATALOG, type PostgresTables } from './postgres-schema.js';
import { PostgresVectorTable } from './postgres-vectors.js';

/** One KB in a schema of its own; connections are those of the catalog. */
export class PostgresKbStore extends KbStore {
  override readonly name: string;
  override readonly entities: PostgresEntityTable;
  override readonly names: PostgresNameTable;
  override readonly vectors: PostgresVectorTable;
  override readonly learned: PostgresLearnedTable;
  override readonly imports: PostgresImportStage;
  override readonly writes: PostgresEntityWriter;
  override readonly models: PostgresModelTable;
  override readonly check: PostgresStoreCheck;
  readonly kb: PostgresKb;
  private readonly queries: Kysely<PostgresTables>;

  constructor(identity: KbIdentity, database: PgDatabase) {
    super();
    this.name = identity.name;
    const kb = new PostgresKb(identity, database);
    this.kb = kb;
    this.queries = queriesOf(kb).withSchema(identity.schema);
    const lexical = new PostgresLexical(kb);
    this.imports = new PostgresImportStage(kb);
    const shared = { kb, isStaged: () => this.imports.isStaged() };
    this.names = new PostgresNameTable({ ...shared, ranking: lexical });
    this.entities = new PostgresEntityTable({ kb, queries: this.queries, lexical });
    this.vectors = new PostgresVectorTable(shared);
    this.learned = new PostgresLearnedTable(kb);
    this.writes = new PostgresEntityWriter(kb);
    this.models = new PostgresModelTable(kb);
    this.check = new PostgresStoreCheck(kb);
  }

  override async info(): Promise<KbInfo> {
    const row = await this.queries
      .withSchema(CATALOG)
      .selectFrom('kb')
      .select(['sequence', 'entities', 'names', 'updated_at as updatedAt', 'active_model as activeModel'])
      .where('id', '=', this.kb.identity.id)
      .executeTakeFirst();
    if (row === undefined) throw this.kb.gone();
    return { name: this.name, ...row };
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
    this.kb.close();
  }
}

/** Kysely takes a connection for each query; ours come from the pool with the query itself. Its cursors are not used. */
function queriesOf(kb: PostgresKb): Kysely<PostgresTables> {
  const client = {
    query: (sql: string, values: readonly unknown[]) => kb.objects(sql, values),
    release: () => undefined,
  } as unknown as PostgresPoolClient;
  const pool = { connect: () => Promise.resolve(client), end: () => Promise.resolve() };
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}
