import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { nameRank } from './entity-names.js';
import { StoreCheck, type StoreFinding } from './kb-store.js';
import { breathe } from './settle.js';
import { SqliteConnection, type SqlValue } from './sqlite-driver.js';

/** Problems told of one check. */
const TOLD = 20;
const PAGE = 1_000;

const RESTORE = 'restore the store from a copy, or drop the knowledge base and import it again';
const REIMPORT =
  'write the named entities again (PUT, or an import of them with a changed field), or import the knowledge base anew';

/** A check in one query: how many things there are, and a row for each that is wrong. */
interface QueryCheck {
  readonly check: string;
  readonly count: string;
  readonly problems: string;
  readonly tell: (row: readonly SqlValue[]) => string;
  readonly remedy: string;
}

const text = (value: SqlValue | undefined): string => JSON.stringify(value ?? null);

const CHECKS: readonly QueryCheck[] = [
  {
    check: 'counts',
    count: 'SELECT 2',
    problems: `
      SELECT * FROM (
        SELECT 'entities', entities AS kept, (SELECT count(*) FROM entity) AS found FROM kb
        UNION ALL SELECT 'names', names, (SELECT count(*) FROM name) FROM kb)
      WHERE kept <> found`,
    tell: ([what, kept, found]) => `the KB says ${text(kept)} ${String(what)}, there are ${text(found)}`,
    remedy: RESTORE,
  },
  {
    check: 'names of nobody',
    count: 'SELECT count(*) FROM name',
    problems: `
      SELECT n.normalised, n.key FROM name AS n
      WHERE NOT EXISTS (SELECT 1 FROM entity AS e WHERE e.key = n.key)`,
    tell: ([name, key]) => `the name ${text(name)} belongs to key ${text(key)}, which no entity has`,
    remedy: RESTORE,
  },
  {
    check: 'words for BM25',
    count: 'SELECT count(*) FROM entity_text_docsize',
    problems: `
      SELECT e.id, 'has no words' FROM entity AS e
        WHERE NOT EXISTS (SELECT 1 FROM entity_text_docsize AS d WHERE d.id = e.key)
      UNION ALL
      SELECT d.id, 'is a key with words that no entity has' FROM entity_text_docsize AS d
        WHERE NOT EXISTS (SELECT 1 FROM entity AS e WHERE e.key = d.id)`,
    tell: ([who, what]) => `${text(who)} ${String(what)}`,
    remedy: REIMPORT,
  },
  {
    check: 'change feed',
    count: 'SELECT count(*) FROM change',
    problems: `
      SELECT e.id, 'has no change' FROM entity AS e
        WHERE NOT EXISTS (SELECT 1 FROM change AS c WHERE c.key = e.key AND c.kind = 'upsert')
      UNION ALL
      SELECT c.key, 'is an upserted key that no entity has' FROM change AS c
        WHERE c.kind = 'upsert' AND NOT EXISTS (SELECT 1 FROM entity AS e WHERE e.key = c.key)
      UNION ALL
      SELECT c.sequence, 'is the sequence of a change after the KB''s' FROM change AS c, kb
        WHERE c.sequence > kb.sequence
      UNION ALL
      SELECT c.sequence, 'is no sequence' FROM change AS c WHERE c.sequence < 1`,
    tell: ([who, what]) => `${text(who)} ${String(what)}`,
    remedy: RESTORE,
  },
  {
    check: 'keys',
    count: 'SELECT count(*) FROM entity',
    problems: `
      SELECT e.id, e.key FROM entity AS e, kb WHERE e.key < 1 OR e.key >= kb.next_key`,
    tell: ([id, key]) => `entity ${text(id)} has key ${text(key)}, which was never given out`,
    remedy: RESTORE,
  },
  {
    check: 'learned counts',
    count: 'SELECT count(*) FROM learned_name',
    problems: `
      SELECT l.normalised, l.key, l.count FROM learned_name AS l
      WHERE l.count < 1
        OR l.key <> 0 AND NOT EXISTS (SELECT 1 FROM entity AS e WHERE e.key = l.key)`,
    tell: ([name, key, count]) => `${text(name)} was learned ${text(count)} times of key ${text(key)}`,
    remedy: 'forget what was learned (referent learn --forget) and learn it again',
  },
];

/** A SQLite store's own consistency, in one read transaction on a connection of its own. */
export class SqliteStoreCheck extends StoreCheck {
  constructor(private readonly folder: string) {
    super();
  }

  override async *run(): AsyncIterable<StoreFinding> {
    const connection = SqliteConnection.open(join(this.folder, 'store.sqlite'));
    try {
      connection.exec('PRAGMA query_only = ON; BEGIN');
      const integrity = integrityOf(connection);
      yield integrity;
      // What is damaged cannot be asked further.
      if (integrity.count > 0) return;
      for (const check of CHECKS) {
        await breathe();
        yield findingOf(connection, check);
      }
      yield await namesOf(connection);
      yield this.leftovers();
    } finally {
      connection.rollback();
      connection.close();
    }
  }

  private leftovers(): StoreFinding {
    const isStaged = existsSync(join(this.folder, 'staging.sqlite'));
    const note = 'staging.sqlite is of an import that runs, or of a dead one: the next import removes it';
    return { ...finding('staged imports', Number(isStaged), [], ''), notes: isStaged ? [note] : [] };
  }
}

function integrityOf(connection: SqliteConnection): StoreFinding {
  const pages = Number(connection.value('PRAGMA page_count'));
  const problems = saidOf(connection).filter((line) => line !== 'ok');
  return finding('database pages', pages, problems, RESTORE);
}

function saidOf(connection: SqliteConnection): string[] {
  try {
    return connection.rows(`PRAGMA integrity_check(${TOLD})`).map(([line]) => String(line));
  } catch (error) {
    if (error instanceof ReferentError && error.code === 'store-invalid') return [error.message];
    throw error;
  }
}

function findingOf(connection: SqliteConnection, check: QueryCheck): StoreFinding {
  const checked = Number(connection.value(check.count));
  const wrong = Number(connection.value(`SELECT count(*) FROM (${check.problems})`));
  const rows = wrong === 0 ? [] : connection.rows(`${check.problems} LIMIT ${TOLD}`);
  const problems = rows.map(check.tell);
  return { check: check.check, checked, problems, count: wrong, remedy: check.remedy };
}

const LISTED = 'SELECT key, id FROM entity WHERE key > ? ORDER BY key LIMIT ?';

const LACKING = `
  SELECT e.id, n.value FROM json_each(?) AS asked
  CROSS JOIN entity AS e ON e.key = asked.value ->> 0
  CROSS JOIN json_each(e.names) AS n
  WHERE n.value <> '' AND NOT EXISTS (
    SELECT 1 FROM name AS x WHERE x.normalised = n.value
      AND x.rank = (asked.value ->> 1) + iif(n.key = 0, 0, 4294967296) AND x.key = e.key)`;

/** Every name that an entity lists leads to it. */
async function namesOf(connection: SqliteConnection): Promise<StoreFinding> {
  const problems: string[] = [];
  let checked = 0;
  for (let last = 0; ;) {
    const page = connection.rows(LISTED, last, PAGE);
    if (page.length === 0) break;
    const asked = page.map(([key, id]) => [Number(key), nameRank(String(id), true)]);
    for (const [id, name] of connection.rows(LACKING, JSON.stringify(asked))) {
      problems.push(`entity ${text(id)} is not found by its name ${text(name)}`);
    }
    checked += page.length;
    last = Number(page.at(-1)?.[0]);
    await breathe();
  }
  return finding('names of entities', checked, problems, REIMPORT);
}

function finding(
  check: string,
  checked: number,
  problems: readonly string[],
  remedy: string,
): StoreFinding {
  return { check, checked, problems: problems.slice(0, TOLD), count: problems.length, remedy };
}
