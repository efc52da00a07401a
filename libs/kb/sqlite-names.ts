import { sql, type Kysely } from 'kysely';
import { NameTable, type LexicalHit, type LexicalQuery, type NameHit } from './kb-store.js';
import { nameHits, type LearnedRow, type ListedRow } from './name-hits.js';
import { settle } from './settle.js';
import type { SqliteConnection } from './sqlite-driver.js';
import { SqliteLexical } from './sqlite-lexical.js';
import type { Tables } from './sqlite-schema.js';
import type { SqliteWriter } from './sqlite-writer.js';

const PAGE = 10_000;
/** Entities that a name finds because of labelled texts alone. */
const LEARNED_HITS_A_NAME = 100;

const VISIBLE_NAMES = `
  SELECT DISTINCT normalised FROM name WHERE normalised > ?1 ORDER BY normalised LIMIT ?2`;

const LEARNED_NAMES = `
  SELECT DISTINCT normalised FROM main.learned_name
  WHERE normalised > ?1 AND key <> 0 ORDER BY normalised LIMIT ?2`;

const STAYING_NAMES = `
  SELECT DISTINCT normalised FROM main.name AS n
  WHERE normalised > ?1
    AND NOT EXISTS (SELECT 1 FROM staging.entity AS s WHERE s.key = n.key AND s.state = 'changed')
  ORDER BY normalised LIMIT ?2`;

const LISTED_HITS = `
  SELECT n.normalised, n.rank, n.key, n.prior, l.count FROM json_each(?) AS asked
  CROSS JOIN name AS n ON n.normalised = asked.value
  LEFT JOIN learned_name AS l ON l.normalised = n.normalised AND l.key = n.key
  ORDER BY n.normalised, n.rank, n.key`;

/** Of each name the entities that labelled texts most often call so, and the total over all, NIL (key 0) too. */
const LEARNED_HITS = `
  SELECT normalised, key, count, total FROM (
    SELECT l.normalised, l.key, l.count,
      sum(l.count) OVER (PARTITION BY l.normalised) AS total,
      row_number() OVER (PARTITION BY l.normalised ORDER BY l.key = 0, l.count DESC, l.key) AS place
    FROM json_each(?1) AS asked CROSS JOIN learned_name AS l ON l.normalised = asked.value)
  WHERE place <= ?2 ORDER BY normalised, place`;

const PRESENT_NAMES = `
  SELECT asked.value FROM json_each(?) AS asked
  WHERE EXISTS (SELECT 1 FROM name AS n WHERE n.normalised = asked.value)
    OR EXISTS (SELECT 1 FROM learned_name AS l WHERE l.normalised = asked.value AND l.key <> 0)`;

const STAGED_NAMES = `
  SELECT key, names FROM staging.entity WHERE key > ? AND state <> 'unchanged' ORDER BY key LIMIT ?`;

export interface SqliteTableOptions {
  readonly reader: SqliteConnection;
  readonly queries: Kysely<Tables>;
  readonly writer: SqliteWriter;
}

export class SqliteNameTable extends NameTable {
  readonly bm25: SqliteLexical;

  constructor(private readonly options: SqliteTableOptions) {
    super();
    this.bm25 = new SqliteLexical(options.reader);
  }

  override exact(names: readonly string[]): Promise<ReadonlyMap<string, readonly NameHit[]>> {
    return settle(() => {
      const { reader } = this.options;
      const asked = JSON.stringify([...new Set(names)]);
      return nameHits(
        reader.rows(LISTED_HITS, asked) as unknown as ListedRow[],
        reader.rows(LEARNED_HITS, asked, LEARNED_HITS_A_NAME) as unknown as LearnedRow[],
      );
    });
  }

  override lexical(query: LexicalQuery, limit: number): Promise<readonly LexicalHit[]> {
    return settle(() => this.bm25.search(query, limit));
  }

  override async *scan(options: { withStaged: boolean }): AsyncIterable<readonly string[]> {
    if (!options.withStaged || !this.options.writer.isStaging) {
      for (const query of [VISIBLE_NAMES, LEARNED_NAMES]) {
        yield* sortedNames((after) => settle(() => namePage(this.options.reader, query, after)));
      }
      return;
    }
    const { writer } = this.options;
    for (const query of [STAYING_NAMES, LEARNED_NAMES]) {
      yield* sortedNames((after) => writer.use((connection) => namePage(connection, query, after)));
    }
    yield* this.stagedNames();
  }

  override async ofKeys(keys: readonly number[]): Promise<readonly string[]> {
    const { queries } = this.options;
    const asked = sql<number>`(SELECT value FROM json_each(${JSON.stringify(keys)}))`;
    const listed = await queries.selectFrom('entity').select('names').where('key', 'in', asked).execute();
    const learned = await queries
      .selectFrom('learned_name')
      .select('normalised')
      .where('key', 'in', asked)
      .execute();
    return distinct([
      ...listed.flatMap((row) => JSON.parse(row.names) as string[]),
      ...learned.map((row) => row.normalised),
    ]);
  }

  override present(names: readonly string[]): Promise<ReadonlySet<string>> {
    return settle(() => {
      const rows = this.options.reader.rows(PRESENT_NAMES, JSON.stringify(names));
      return new Set(rows.map(([name]) => String(name)));
    });
  }

  private async *stagedNames(): AsyncIterable<readonly string[]> {
    let last = 0;
    for (;;) {
      const rows = await this.options.writer.use((connection) =>
        connection.rows(STAGED_NAMES, last, PAGE),
      );
      const names = rows.flatMap(([, json]) => JSON.parse(String(json)) as string[]);
      if (rows.length > 0) yield distinct(names);
      if (rows.length < PAGE) return;
      last = Number(rows.at(-1)?.[0]);
    }
  }
}

/** Page after page, each beginning after the last name of the one before. */
async function* sortedNames(
  pageAfter: (after: string) => Promise<string[]>,
): AsyncIterable<readonly string[]> {
  let last = '';
  for (;;) {
    const page = await pageAfter(last);
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    last = page.at(-1) ?? '';
  }
}

function namePage(connection: SqliteConnection, query: string, after: string): string[] {
  return connection.rows(query, after, PAGE).map(([name]) => String(name));
}

/** '' stands for a title without a normal form. */
function distinct(names: readonly string[]): string[] {
  const set = new Set(names);
  set.delete('');
  return [...set];
}

