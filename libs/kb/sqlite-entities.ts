import { sql, type Kysely } from 'kysely';
import { SCAN_PAGE, scanned, searchedKeys, storedEntity } from './entity-queries.js';
import { EntityTable, type StoredEntity } from './kb-store.js';
import { settle } from './settle.js';
import { blobBytes, type SqliteConnection } from './sqlite-driver.js';
import type { SqliteLexical } from './sqlite-lexical.js';
import type { Tables } from './sqlite-schema.js';

export interface SqliteEntityOptions {
  readonly queries: Kysely<Tables>;
  readonly reader: SqliteConnection;
  readonly bm25: SqliteLexical;
}

export class SqliteEntityTable extends EntityTable {
  constructor(private readonly options: SqliteEntityOptions) {
    super();
  }

  override async byKeys(keys: readonly number[]): Promise<ReadonlyMap<number, StoredEntity>> {
    const rows = await this.options.queries
      .selectFrom('entity')
      .select(['key', 'record', 'content_hash'])
      .where('key', 'in', sql<number>`(SELECT value FROM json_each(${JSON.stringify(keys)}))`)
      .execute();
    return new Map(rows.map((row) => [row.key, stored(row)]));
  }

  override async byIds(ids: readonly string[]): Promise<ReadonlyMap<string, StoredEntity>> {
    const rows = await this.options.queries
      .selectFrom('entity')
      .select(['key', 'id', 'record', 'content_hash'])
      .where('id', 'in', sql<string>`(SELECT value FROM json_each(${JSON.stringify(ids)}))`)
      .execute();
    return new Map(rows.map((row) => [row.id, stored(row)]));
  }

  override async search(text: string, limit: number): Promise<readonly StoredEntity[]> {
    const best = await searchedKeys(text, limit, {
      withName: (name, most) => settle(() => this.keysWithName(name, most)),
      withPrefix: (prefix, most) => settle(() => this.keysWithPrefix(prefix, most)),
      withWords: (words, most) => settle(() => this.options.bm25.byText(words, most)),
    });
    const found = await this.byKeys(best);
    return best.flatMap((key) => found.get(key) ?? []);
  }

  override scan(afterKey = 0): AsyncIterable<readonly StoredEntity[]> {
    return scanned(afterKey, async (key) => {
      const page = await this.options.queries
        .selectFrom('entity')
        .select(['key', 'record', 'content_hash'])
        .where('key', '>', key)
        .orderBy('key')
        .limit(SCAN_PAGE)
        .execute();
      return page.map(stored);
    });
  }

  private keysWithName(name: string, limit: number): number[] {
    return this.options.reader
      .rows('SELECT key FROM name WHERE normalised = ? ORDER BY rank LIMIT ?', name, limit)
      .map(([key]) => Number(key));
  }

  /** Shorter names first is what a person typing expects; the range is cut so that one letter stays cheap. */
  private keysWithPrefix(prefix: string, limit: number): number[] {
    return this.options.reader
      .rows(
        `SELECT key FROM (
           SELECT normalised, rank, key FROM name
           WHERE normalised > ?1 AND normalised < ?1 || char(0x10ffff) LIMIT ?2)
         GROUP BY key ORDER BY min(length(normalised)), min(rank) LIMIT ?3`,
        prefix,
        PREFIX_ROWS,
        limit,
      )
      .map(([key]) => Number(key));
  }
}

const PREFIX_ROWS = 2_000;

function stored(row: { key: number; record: string; content_hash: unknown }): StoredEntity {
  return storedEntity({ ...row, content_hash: blobBytes(row.content_hash) });
}
