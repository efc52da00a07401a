import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { assertKbName } from './kb-name.js';
import { KbCatalog, type KbInfo } from './kb-store.js';
import { PgDatabase, type PgRow, type PgSession } from './postgres-driver.js';
import { codeOf } from './postgres-errors.js';
import { PostgresKb, type KbIdentity } from './postgres-kb.js';
import { keepImportsOut } from './postgres-lock.js';
import { KB_MIGRATIONS, migrateCatalog, migrateKb } from './postgres-schema.js';
import { dropKb, makeKb } from './postgres-schemas.js';
import { PostgresKbStore } from './postgres-store.js';

export interface PostgresCatalogOptions {
  readonly databaseUrl: string;
  /** Where index files are kept: each machine has its own. */
  readonly dataDir: string;
}

interface KbRow extends KbIdentity {
  readonly version: number;
}

const COLUMNS = 'name, id, number, schema, version';
const UNIQUE_VIOLATION = '23505';

/**
 * KBs in one PostgreSQL database: a schema for the catalog, and one for each KB. A store is the same object while its
 * KB is the same; one that was dropped, by whomever, and made anew is another.
 */
export class PostgresCatalog extends KbCatalog {
  readonly database: PgDatabase;
  private readonly stores = new Map<string, PostgresKbStore>();
  private migrated: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly options: PostgresCatalogOptions) {
    super();
    this.database = new PgDatabase(options.databaseUrl);
  }

  override async list(): Promise<readonly KbInfo[]> {
    await this.ready();
    const rows = await this.database.rows(LIST);
    await this.closeAllBut(new Set(rows.map(([id]) => String(id))));
    return rows
      .map((row) => this.infoOf(row))
      .filter(({ sequence, problem }) => sequence > 0 || problem !== undefined);
  }

  override async open(name: string): Promise<PostgresKbStore> {
    assertKbName(name);
    const found = await this.find(name);
    if (found !== undefined) return this.opened(found);
    await this.forget(name);
    const known = (await this.list()).map((kb) => kb.name).join(', ') || 'none yet';
    throw new ReferentError(
      'kb-not-found',
      `no knowledge base ${name} (there are: ${known}); make it with: referent import FILE --kb ${name}`,
    );
  }

  override async openOrCreate(name: string): Promise<PostgresKbStore> {
    assertKbName(name);
    const found = (await this.find(name)) ?? (await this.create(name));
    return this.opened(found);
  }

  override async drop(name: string): Promise<void> {
    const { kb } = await this.open(name);
    await this.remove(kb, () => Promise.resolve(true));
  }

  override async dropIfUnused(name: string): Promise<void> {
    const { kb } = await this.open(name);
    try {
      await this.remove(kb, async (session) => (await session.value(kb.sql(IS_UNUSED), kb.identity.id)) === true);
    } catch (error) {
      if (!(error instanceof ReferentError) || error.code !== 'busy') throw error;
    }
  }

  /** By the KB's id too: an index of another KB of that name, in this or another database, must not pass for its own. */
  override derivedFolder(name: string): string {
    assertKbName(name);
    const store = this.stores.get(name);
    if (store === undefined) {
      throw new ReferentError('kb-not-found', `the knowledge base ${name} is not open`);
    }
    return this.folderOf(store.kb.identity);
  }

  override async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.closeAllBut(new Set());
    await this.database.close();
  }

  /** Makes an empty KB; where somebody else does at the same time, that one is it. */
  private async create(name: string): Promise<KbRow> {
    try {
      const identity = await this.database.transaction((connection) =>
        makeKb(connection, name, 'ready'),
      );
      return { ...identity, version: KB_MIGRATIONS.length };
    } catch (error) {
      if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
      const found = await this.find(name);
      if (found === undefined) throw error;
      return found;
    }
  }

  private async find(name: string): Promise<KbRow | undefined> {
    await this.ready();
    const [row] = await this.database.rows(
      `SELECT ${COLUMNS} FROM referent.kb WHERE name = $1 AND state = 'ready'`,
      name,
    );
    return row && kbRowOf(row);
  }

  private async opened(row: KbRow): Promise<PostgresKbStore> {
    const problem = problemOf(row.version);
    if (problem !== null) throw new ReferentError('store-invalid', `${row.name}: ${problem}`);
    const earlier = this.stores.get(row.name);
    if (earlier?.kb.identity.id === row.id) return earlier;
    if (row.version < KB_MIGRATIONS.length) await this.migrate(row);
    await this.forget(row.name);
    const now = this.stores.get(row.name);
    if (now?.kb.identity.id === row.id) return now;
    const store = new PostgresKbStore(row, this.database);
    this.stores.set(row.name, store);
    return store;
  }

  private migrate({ id, schema }: KbRow): Promise<void> {
    return this.database.transaction(async (connection) => {
      const lock = 'SELECT version FROM referent.kb WHERE id = $1 FOR UPDATE';
      const version = Number(await connection.value(lock, id));
      await migrateKb(connection, { id, schema, version });
    });
  }

  /** The row goes with the schema, or neither. Index files of other machines stay; they are those of no KB then. */
  private async remove(
    kb: PostgresKb,
    isRight: (session: PgSession) => Promise<boolean>,
  ): Promise<void> {
    const isGone = await kb.write(
      async (session) => {
        if (!(await isRight(session))) return false;
        await dropKb(session, kb.identity);
        return true;
      },
      (session) => keepImportsOut(session, kb, 0),
    );
    if (!isGone) return;
    await this.forget(kb.identity.name);
    rmSync(join(this.folderOf(kb.identity), '..'), { recursive: true, force: true });
  }

  private async forget(name: string): Promise<void> {
    const store = this.stores.get(name);
    this.stores.delete(name);
    await store?.close();
  }

  private async closeAllBut(ids: ReadonlySet<string>): Promise<void> {
    const gone = [...this.stores.values()].filter(({ kb }) => !ids.has(kb.identity.id));
    await Promise.all(gone.map(({ name }) => this.forget(name)));
  }

  private infoOf([, name, sequence, entities, names, updatedAt, active, version, there]: PgRow): KbInfo {
    const problem =
      there === true
        ? problemOf(Number(version))
        : `damaged store: its schema is gone from ${this.database.target}; restore the database from a copy`;
    const counts = { sequence: 0, entities: 0, names: 0, updatedAt: '', activeModel: null };
    if (problem !== null) return { name: String(name), ...counts, problem };
    return {
      name: String(name),
      sequence: Number(sequence),
      entities: Number(entities),
      names: Number(names),
      updatedAt: String(updatedAt),
      activeModel: typeof active === 'string' ? active : null,
    };
  }

  /** One that failed is tried again at the next call: the server may have been away. */
  private async ready(): Promise<void> {
    this.migrated ??= migrateCatalog(this.database);
    try {
      await this.migrated;
    } catch (error) {
      this.migrated = undefined;
      throw error;
    }
  }

  private folderOf({ name, id }: KbIdentity): string {
    return join(this.options.dataDir, 'kbs-of-postgres', name, id, 'index');
  }
}

const LIST = `
  SELECT id, name, sequence, entities, names, updated_at, active_model, version,
    to_regnamespace(schema) IS NOT NULL
  FROM referent.kb WHERE state = 'ready' ORDER BY name`;

const IS_UNUSED = `
  SELECT sequence = 0 AND NOT EXISTS (SELECT 1 FROM kb_schema.vector) FROM referent.kb WHERE id = $1`;

function kbRowOf([name, id, number, schema, version]: PgRow): KbRow {
  return {
    name: String(name),
    id: String(id),
    number: Number(number),
    schema: String(schema),
    version: Number(version),
  };
}

function problemOf(version: number): string | null {
  if (version <= KB_MIGRATIONS.length) return null;
  return `its schema is ${version}, this release knows up to ${KB_MIGRATIONS.length}; use a newer release of Referent`;
}
