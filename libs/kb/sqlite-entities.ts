import { sql, type Kysely } from 'kysely';
import type { EntityRecord } from '../contract/entity.js';
import { normaliseName } from '../text/normalise.js';
import { EntityTable, type StoredEntity } from './kb-store.js';
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
    const name = normaliseName(text);
    if (name === '' || limit < 1) return [];
    const keys = new Set(this.keysWithName(name, limit));
    if (keys.size < limit) this.keysWithPrefix(name, limit).forEach((key) => keys.add(key));
    if (keys.size < limit) {
      this.options.bm25.byText(name.split(' '), limit).forEach((key) => keys.add(key));
    }
    const best = [...keys].slice(0, limit);
    const found = await this.byKeys(best);
    return best.flatMap((key) => found.get(key) ?? []);
  }

  override async *scan(afterKey = 0): AsyncIterable<readonly StoredEntity[]> {
    for (let last = afterKey; ;) {
      const page = await this.options.queries
        .selectFrom('entity')
        .select(['key', 'record', 'content_hash'])
        .where('key', '>', last)
        .orderBy('key')
        .limit(SCAN_PAGE)
        .execute();
      const end = page.at(-1);
      if (end === undefined) return;
      yield page.map(stored);
      last = end.key;
    }
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
const SCAN_PAGE = 500;

function stored(row: { key: number; record: string; content_hash: unknown }): StoredEntity {
  return {
    key: row.key,
    record: JSON.parse(row.record) as EntityRecord,
    contentHash: Buffer.from(blobBytes(row.content_hash)).toString('hex'),
  };
}
