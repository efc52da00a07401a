import { NameTable, type LexicalHit, type LexicalQuery, type NameHit } from './kb-store.js';
import { nameHits, type LearnedRow, type ListedRow } from './name-hits.js';
import type { PgRow } from './postgres-driver.js';
import type { PostgresLexical } from './postgres-lexical.js';
import { fromColumn, nameHash, toColumn } from './postgres-text.js';
import type { PostgresTableOptions } from './postgres-vectors.js';

const PAGE = 10_000;
/** Entities that a name finds because of labelled texts alone. */
const LEARNED_HITS_A_NAME = 100;

const LISTED_HITS = `
  SELECT asked.name, n.rank, n.key, n.prior, l.count
  FROM unnest($1::text[], $2::bytea[]) AS asked(name, hash)
  JOIN kb_schema.name AS n
    ON left(n.normalised, 256) = left(asked.name, 256) AND n.normalised = asked.name
  LEFT JOIN kb_schema.learned_name AS l ON l.hash = asked.hash AND l.key = n.key
  ORDER BY n.rank, n.key`;

/** Of each name the entities that labelled texts most often call so, and the total over all, NIL (key 0) too. */
const LEARNED_HITS = `
  SELECT normalised, key, count, total FROM (
    SELECT l.normalised, l.key, l.count,
      sum(l.count) OVER (PARTITION BY l.hash)::bigint AS total,
      row_number() OVER (PARTITION BY l.hash ORDER BY (l.key = 0), l.count DESC, l.key) AS place
    FROM kb_schema.learned_name AS l WHERE l.hash = ANY($1::bytea[])) AS placed
  WHERE place <= $2 ORDER BY normalised, place`;

const PRESENT = `
  SELECT asked.name FROM unnest($1::text[], $2::bytea[]) AS asked(name, hash)
  WHERE EXISTS (
      SELECT 1 FROM kb_schema.name AS n
      WHERE left(n.normalised, 256) = left(asked.name, 256) AND n.normalised = asked.name)
    OR EXISTS (SELECT 1 FROM kb_schema.learned_name AS l WHERE l.hash = asked.hash AND l.key <> 0)`;

/** Pages by key; each of these gives the last key beside every name. */
const VISIBLE_NAMES = `
  SELECT n.key, n.normalised FROM kb_schema.name AS n WHERE n.key > $1 AND n.key <= $2`;

const STAYING_NAMES = `${VISIBLE_NAMES}
    AND NOT EXISTS (SELECT 1 FROM kb_schema.staging AS s WHERE s.key = n.key AND s.state = 'changed')`;

const STAGED_NAMES = `
  SELECT s.key, unnest(s.names) FROM kb_schema.staging AS s WHERE s.key > $1 AND s.key <= $2`;

const LEARNED_NAMES = `
  SELECT n.key, n.normalised FROM kb_schema.learned_name AS n WHERE n.key > $1 AND n.key <= $2`;

export interface PostgresNameOptions extends PostgresTableOptions {
  readonly ranking: PostgresLexical;
}

export class PostgresNameTable extends NameTable {
  constructor(private readonly options: PostgresNameOptions) {
    super();
  }

  override async exact(names: readonly string[]): Promise<ReadonlyMap<string, readonly NameHit[]>> {
    const { kb } = this.options;
    const asked = [...new Set(names)];
    const hashes = asked.map(nameHash);
    const [listed, learned] = await Promise.all([
      kb.rows(LISTED_HITS, asked.map(toColumn), hashes),
      kb.rows(LEARNED_HITS, hashes, LEARNED_HITS_A_NAME),
    ]);
    return nameHits(
      listed.map(named) as unknown as ListedRow[],
      learned.map(named) as unknown as LearnedRow[],
    );
  }

  override lexical(query: LexicalQuery, limit: number): Promise<readonly LexicalHit[]> {
    return this.options.ranking.search(query, limit);
  }

  override async *scan(options: { withStaged: boolean }): AsyncIterable<readonly string[]> {
    const isStaged = options.withStaged && (await this.options.isStaged());
    yield* this.namesIn('name', isStaged ? STAYING_NAMES : VISIBLE_NAMES);
    if (isStaged) yield* this.namesIn('staging', STAGED_NAMES);
    yield* this.namesIn('learned_name', LEARNED_NAMES);
  }

  override async ofKeys(keys: readonly number[]): Promise<readonly string[]> {
    const rows = await this.options.kb.rows(
      `SELECT normalised FROM kb_schema.name WHERE key = ANY($1::bigint[])
       UNION SELECT normalised FROM kb_schema.learned_name WHERE key = ANY($1::bigint[])`,
      keys,
    );
    return rows.map(([name]) => fromColumn(String(name)));
  }

  override async present(names: readonly string[]): Promise<ReadonlySet<string>> {
    const asked = [...new Set(names)];
    const rows = await this.options.kb.rows(PRESENT, asked.map(toColumn), asked.map(nameHash));
    return new Set(rows.map(([name]) => fromColumn(String(name))));
  }

  /** By key, as names can be too long to be in order in an index; a name of entities far apart comes again. */
  private async *namesIn(table: string, query: string): AsyncIterable<readonly string[]> {
    for (let last = 0; ;) {
      const end = await this.options.kb.value(
        `SELECT max(key) FROM (
           SELECT key FROM kb_schema.${table} WHERE key > $1 ORDER BY key LIMIT ${PAGE}) AS page`,
        last,
      );
      if (typeof end !== 'number') return;
      const rows = await this.options.kb.rows(query, last, end);
      const names = new Set(rows.map(([, name]) => fromColumn(String(name))));
      if (names.size > 0) yield [...names];
      last = end;
    }
  }
}

/** A row whose first column is a name. */
function named([name, ...others]: PgRow): PgRow {
  return [fromColumn(String(name)), ...others];
}
