import { sql, type Kysely } from 'kysely';
import { isTitleRank, priorsOf } from './entity-names.js';
import { NameTable, type LexicalHit, type LexicalQuery, type NameHit } from './kb-store.js';
import { settle } from './settle.js';
import type { SqliteConnection } from './sqlite-driver.js';
import { SqliteLexical } from './sqlite-lexical.js';
import type { Tables } from './sqlite-schema.js';
import type { SqliteWriter } from './sqlite-writer.js';

const PAGE = 10_000;

const VISIBLE_NAMES = `
  SELECT DISTINCT normalised FROM name WHERE normalised > ?1 ORDER BY normalised LIMIT ?2`;

const STAYING_NAMES = `
  SELECT DISTINCT normalised FROM main.name AS n
  WHERE normalised > ?1
    AND NOT EXISTS (SELECT 1 FROM staging.entity AS s WHERE s.key = n.key AND s.state = 'changed')
  ORDER BY normalised LIMIT ?2`;

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
      const rows = this.options.reader.rows(
        `SELECT n.normalised, n.rank, n.key, n.prior FROM json_each(?) AS asked
         CROSS JOIN name AS n ON n.normalised = asked.value
         ORDER BY n.normalised, n.rank, n.key`,
        JSON.stringify([...new Set(names)]),
      );
      return groupedHits(rows);
    });
  }

  override lexical(query: LexicalQuery, limit: number): Promise<readonly LexicalHit[]> {
    return settle(() => this.bm25.search(query, limit));
  }

  override async *scan(options: { withStaged: boolean }): AsyncIterable<readonly string[]> {
    if (!options.withStaged || !this.options.writer.isStaging) {
      yield* sortedNames((after) => settle(() => namePage(this.options.reader, VISIBLE_NAMES, after)));
      return;
    }
    const { writer } = this.options;
    yield* sortedNames((after) => writer.use((connection) => namePage(connection, STAYING_NAMES, after)));
    yield* this.stagedNames();
  }

  override async ofKeys(keys: readonly number[]): Promise<readonly string[]> {
    const rows = await this.options.queries
      .selectFrom('entity')
      .select('names')
      .where('key', 'in', sql<number>`(SELECT value FROM json_each(${JSON.stringify(keys)}))`)
      .execute();
    return distinct(rows.flatMap((row) => JSON.parse(row.names) as string[]));
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

type NameRow = readonly [normalised: string, rank: number, key: number, weight: number | null];

/** Rows come grouped by name. */
function groupedHits(rows: readonly unknown[][]): Map<string, readonly NameHit[]> {
  const byName = new Map<string, NameRow[]>();
  for (const row of rows as unknown as readonly NameRow[]) {
    const group = byName.get(row[0]);
    if (group === undefined) byName.set(row[0], [row]);
    else group.push(row);
  }
  return new Map(Array.from(byName, ([name, group]) => [name, hitsOf(group)]));
}

function hitsOf(group: readonly NameRow[]): NameHit[] {
  const priors = priorsOf(group.map(([, , , weight]) => weight));
  return group.map(([, rank, key], index) => ({
    key,
    isTitle: isTitleRank(rank),
    prior: priors[index] ?? null,
  }));
}
