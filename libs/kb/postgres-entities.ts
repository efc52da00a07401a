import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import { SCAN_PAGE, scanned, searchedKeys, storedEntity } from './entity-queries.js';
import { EntityTable, type StoredEntity } from './kb-store.js';
import type { PostgresKb } from './postgres-kb.js';
import type { PostgresLexical } from './postgres-lexical.js';
import type { PostgresTables } from './postgres-schema.js';
import { toColumn } from './postgres-text.js';

export interface PostgresEntityOptions {
  readonly kb: PostgresKb;
  readonly queries: Kysely<PostgresTables>;
  readonly lexical: PostgresLexical;
}

export class PostgresEntityTable extends EntityTable {
  constructor(private readonly options: PostgresEntityOptions) {
    super();
  }

  override async byKeys(keys: readonly number[]): Promise<ReadonlyMap<number, StoredEntity>> {
    const rows = await this.options.queries
      .selectFrom('entity')
      .select(['key', 'record', 'content_hash'])
      .where('key', '=', sql<number>`ANY(${[...keys]}::bigint[])`)
      .execute();
    return new Map(rows.map((row) => [row.key, storedEntity(row)]));
  }

  override async byIds(ids: readonly string[]): Promise<ReadonlyMap<string, StoredEntity>> {
    const rows = await this.options.queries
      .selectFrom('entity')
      .select(['key', 'record', 'content_hash'])
      .where('id', '=', sql<string>`ANY(${ids.map(toColumn)}::text[])`)
      .execute();
    const found = rows.map(storedEntity);
    return new Map(found.map((entity) => [entity.record.id, entity]));
  }

  override async search(text: string, limit: number): Promise<readonly StoredEntity[]> {
    const best = await searchedKeys(text, limit, {
      withName: (name, most) => this.keysWithName(name, most),
      withPrefix: (prefix, most) => this.keysWithPrefix(prefix, most),
      withWords: (words, most) => this.options.lexical.byText(words, most),
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
      return page.map(storedEntity);
    });
  }

  private async keysWithName(name: string, limit: number): Promise<number[]> {
    const rows = await this.options.kb.rows(
      `SELECT key FROM kb_schema.name WHERE left(normalised, 256) = left($1, 256) AND normalised = $1
       ORDER BY rank, key LIMIT $2`,
      toColumn(name),
      limit,
    );
    return rows.map(([key]) => Number(key));
  }

  /** Shorter names first is what a person typing expects; the range is cut so that one letter stays cheap. */
  private async keysWithPrefix(prefix: string, limit: number): Promise<number[]> {
    const head = toColumn(prefix).slice(0, HEAD_CHARS);
    const rows = await this.options.kb.rows(
      `SELECT key FROM (
         SELECT normalised, rank, key FROM kb_schema.name
         WHERE left(normalised, 256) >= $1 AND left(normalised, 256) < $1 || chr(1114111)
           AND normalised <> $2 AND starts_with(normalised, $2)
         ORDER BY left(normalised, 256), rank, key LIMIT $3) AS found
       GROUP BY key ORDER BY min(length(normalised)), min(rank), key LIMIT $4`,
      head,
      toColumn(prefix),
      PREFIX_ROWS,
      limit,
    );
    return rows.map(([key]) => Number(key));
  }
}

const PREFIX_ROWS = 2_000;
/** Short of the index's 256 characters, so that what follows them is in the index too. */
const HEAD_CHARS = 250;
