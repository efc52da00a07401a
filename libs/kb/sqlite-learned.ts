import {
  LearnedTable,
  type LearnedDocument,
  type LearnedSurface,
  type LearnedTotals,
  type ChangeOptions,
  type LearnReport,
} from './kb-store.js';
import { learnedTotals, mentionCounts, NIL_KEY, surfaceCounts } from './learned-counts.js';
import { changeVisibly, type ChangeShop } from './sqlite-change.js';
import { lastGiven, sequenceOf } from './sqlite-commit.js';
import { settle } from './settle.js';
import type { SqliteConnection } from './sqlite-driver.js';

export interface SqliteLearnedOptions extends ChangeShop {
  readonly reader: SqliteConnection;
}

/** Counts of labelled texts. */
export class SqliteLearnedTable extends LearnedTable {
  constructor(private readonly options: SqliteLearnedOptions) {
    super();
  }

  override learn(
    page: readonly LearnedDocument[],
    options: ChangeOptions = {},
  ): Promise<LearnReport> {
    return this.write(options, (connection) => learnPage(connection, page));
  }

  override forget(options: ChangeOptions = {}): Promise<LearnedTotals> {
    return this.write(options, forgetAll);
  }

  override forgottenAt(): Promise<number> {
    return settle(() => Number(this.options.reader.value('SELECT forgotten_at FROM kb')));
  }

  override known(hashes: readonly string[]): Promise<ReadonlySet<string>> {
    return settle(() => {
      const rows = this.options.reader.rows(
        `SELECT asked.value FROM json_each(?) AS asked
         CROSS JOIN learned_document AS d ON d.hash = unhex(asked.value)`,
        JSON.stringify(hashes),
      );
      return new Set(rows.map(([hash]) => String(hash)));
    });
  }

  override surfaces(names: readonly string[]): Promise<ReadonlyMap<string, LearnedSurface>> {
    return settle(() => {
      const rows = this.options.reader.rows(
        `SELECT s.normalised, s.marked, s.seen,
           (SELECT coalesce(sum(n.count), 0) FROM learned_name AS n WHERE n.normalised = s.normalised)
         FROM json_each(?) AS asked CROSS JOIN learned_surface AS s ON s.normalised = asked.value`,
        JSON.stringify([...new Set(names)]),
      );
      return new Map(
        rows.map(([name, marked, seen, mentions]) => [
          String(name),
          { marked: Number(marked), seen: Number(seen), mentions: Number(mentions) },
        ]),
      );
    });
  }

  override totals(): Promise<LearnedTotals> {
    return settle(() => totalsOf(this.options.reader));
  }

  private write<T>(
    { beforeCommit }: ChangeOptions,
    work: (connection: SqliteConnection) => T,
  ): Promise<T> {
    return changeVisibly(this.options, { beforeCommit, work });
  }
}

function learnPage(connection: SqliteConnection, page: readonly LearnedDocument[]): LearnReport {
  const learned = page.map(({ hash }) => isNew(connection, hash));
  const fresh = page.filter((_, at) => learned[at]);
  if (fresh.length === 0) return { learned, sequence: sequenceOf(connection) };
  const keys = addMentions(connection, fresh);
  addSurfaces(connection, fresh);
  return { learned, sequence: tell(connection, keys) };
}

/** Marks a document as learned; false where it was. */
function isNew(connection: SqliteConnection, hash: string): boolean {
  const sql = 'INSERT OR IGNORE INTO learned_document (hash) VALUES (?)';
  return connection.run(sql, Buffer.from(hash, 'hex')) === 1;
}

/** An entity may have gone since the text was read: its mentions go with it. */
const ADD_MENTIONS = `
  INSERT INTO learned_name (normalised, key, count)
    SELECT ?1, ?2, ?3 WHERE ?2 = ${NIL_KEY} OR EXISTS (SELECT 1 FROM entity WHERE key = ?2)
  ON CONFLICT DO UPDATE SET count = count + excluded.count`;

/** Gives the keys of the entities that were counted. */
function addMentions(connection: SqliteConnection, page: readonly LearnedDocument[]): Set<number> {
  const touched = new Set<number>();
  for (const { name, key, count } of mentionCounts(page)) {
    if (connection.run(ADD_MENTIONS, name, key, count) > 0) touched.add(key);
  }
  touched.delete(NIL_KEY);
  return touched;
}

function addSurfaces(connection: SqliteConnection, page: readonly LearnedDocument[]): void {
  for (const [name, { seen, marked }] of surfaceCounts(page)) {
    connection.run(
      `INSERT INTO learned_surface (normalised, seen, marked) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET seen = seen + excluded.seen, marked = marked + excluded.marked`,
      name,
      seen,
      marked,
    );
  }
}

function forgetAll(connection: SqliteConnection): LearnedTotals {
  const totals = totalsOf(connection);
  if (totals.documents === 0) return totals;
  const rows = connection.rows(`SELECT DISTINCT key FROM learned_name WHERE key <> ${NIL_KEY}`);
  for (const table of ['learned_document', 'learned_name', 'learned_surface']) {
    connection.run(`DELETE FROM ${table}`);
  }
  const sequence = tell(connection, new Set(rows.map(([key]) => Number(key))));
  connection.run('UPDATE kb SET forgotten_at = ?', sequence);
  return totals;
}

function totalsOf(connection: SqliteConnection): LearnedTotals {
  const [row = []] = connection.rows(
      `SELECT (SELECT count(*) FROM learned_document),
         (SELECT coalesce(sum(count), 0) FROM learned_name),
         (SELECT count(*) FROM learned_surface)`,
  );
  return learnedTotals(row);
}

/**
 * Puts the entities on the change feed, and gives the sequence reached: it grows even where none was touched, as NIL
 * mentions change answers too. Numbers that a dead import reserved are passed over.
 */
function tell(connection: SqliteConnection, keys: ReadonlySet<number>): number {
  const touched = JSON.stringify([...keys]);
  const before = lastGiven(connection);
  connection.run('DELETE FROM change WHERE key IN (SELECT value FROM json_each(?))', touched);
  connection.run(
    `INSERT INTO change (sequence, key, kind)
       SELECT ? + row_number() OVER (ORDER BY value), value, 'upsert' FROM json_each(?)`,
    before,
    touched,
  );
  const reached = before + Math.max(1, keys.size);
  connection.run(
    "UPDATE kb SET sequence = ?, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
    reached,
  );
  return reached;
}
