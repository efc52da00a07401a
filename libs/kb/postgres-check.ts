import { StoreCheck, type StoreFinding } from './kb-store.js';
import type { PgRow, PgSession } from './postgres-driver.js';
import type { PostgresKb, PostgresKbSession } from './postgres-kb.js';
import { derivedRows } from './postgres-rows.js';
import type { EntityRecord } from '../contract/entity.js';

/** Problems told of one check. */
const TOLD = 20;
const PAGE = 1_000;

const RESTORE =
  'restore the database from a copy, or drop the knowledge base and import it again';
const REIMPORT =
  'write the named entities again (PUT, or an import of them with a changed field), or import the knowledge base anew';

/** A check in one query: how many things there are, and a row for each that is wrong. `$1` is the KB. */
interface QueryCheck {
  readonly check: string;
  readonly count: string;
  readonly problems: string;
  readonly tell: (row: PgRow) => string;
  readonly remedy: string;
}

const text = (value: unknown): string => JSON.stringify(value);
const twoWords = ([who, what]: PgRow): string => `${text(who)} ${String(what)}`;

const CHECKS: readonly QueryCheck[] = [
  {
    check: 'counts',
    count: 'SELECT 2',
    problems: `
      SELECT * FROM (
        SELECT 'entities', entities AS kept, (SELECT count(*) FROM kb_schema.entity) AS found
          FROM referent.kb WHERE id = $1
        UNION ALL SELECT 'names', names, (SELECT count(*) FROM kb_schema.name)
          FROM referent.kb WHERE id = $1) AS both_counts
      WHERE kept <> found`,
    tell: ([what, kept, found]) => `the KB says ${text(kept)} ${String(what)}, there are ${text(found)}`,
    remedy: RESTORE,
  },
  {
    check: 'names of nobody',
    count: 'SELECT count(*) FROM kb_schema.name',
    problems: `
      SELECT n.normalised, n.key FROM kb_schema.name AS n
      WHERE $1::uuid IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM kb_schema.entity AS e WHERE e.key = n.key)`,
    tell: ([name, key]) => `the name ${text(name)} belongs to key ${text(key)}, which no entity has`,
    remedy: RESTORE,
  },
  {
    check: 'words for ranking',
    count: 'SELECT count(*) FROM kb_schema.entity_text',
    problems: `
      SELECT e.id, 'has no words' FROM kb_schema.entity AS e
        WHERE $1::uuid IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM kb_schema.entity_text AS d WHERE d.key = e.key)
      UNION ALL
      SELECT d.key::text, 'is a key with words that no entity has' FROM kb_schema.entity_text AS d
        WHERE NOT EXISTS (SELECT 1 FROM kb_schema.entity AS e WHERE e.key = d.key)`,
    tell: twoWords,
    remedy: REIMPORT,
  },
  {
    check: 'change feed',
    count: 'SELECT count(*) FROM kb_schema.change',
    problems: `
      SELECT e.id, 'has no change' FROM kb_schema.entity AS e WHERE NOT EXISTS (
        SELECT 1 FROM kb_schema.change AS c WHERE c.key = e.key AND c.kind = 'upsert')
      UNION ALL
      SELECT c.key::text, 'is an upserted key that no entity has' FROM kb_schema.change AS c
        WHERE c.kind = 'upsert'
          AND NOT EXISTS (SELECT 1 FROM kb_schema.entity AS e WHERE e.key = c.key)
      UNION ALL
      SELECT c.sequence::text, 'is the sequence of a change after the KB''s' FROM kb_schema.change AS c
        JOIN referent.kb ON kb.id = $1 WHERE c.sequence > kb.sequence
      UNION ALL
      SELECT c.sequence::text, 'is no sequence' FROM kb_schema.change AS c WHERE c.sequence < 1`,
    tell: twoWords,
    remedy: RESTORE,
  },
  {
    check: 'keys',
    count: 'SELECT count(*) FROM kb_schema.entity',
    problems: `
      SELECT e.id, e.key FROM kb_schema.entity AS e JOIN referent.kb ON kb.id = $1
      WHERE e.key < 1 OR e.key >= kb.next_key`,
    tell: ([id, key]) => `entity ${text(id)} has key ${text(key)}, which was never given out`,
    remedy: RESTORE,
  },
  {
    check: 'learned counts',
    count: 'SELECT count(*) FROM kb_schema.learned_name',
    problems: `
      SELECT l.normalised, l.key, l.count FROM kb_schema.learned_name AS l
      WHERE $1::uuid IS NOT NULL AND (l.count < 1
        OR l.key <> 0 AND NOT EXISTS (SELECT 1 FROM kb_schema.entity AS e WHERE e.key = l.key))`,
    tell: ([name, key, count]) => `${text(name)} was learned ${text(count)} times of key ${text(key)}`,
    remedy: 'forget what was learned (referent learn --forget) and learn it again',
  },
];

/** A KB's own consistency in PostgreSQL, in one read transaction on a connection of its own. */
export class PostgresStoreCheck extends StoreCheck {
  constructor(private readonly kb: PostgresKb) {
    super();
  }

  override async *run(): AsyncIterable<StoreFinding> {
    this.kb.assertOpen();
    const { connection, end } = await this.kb.database.connect();
    try {
      const session = this.kb.on(connection);
      await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      for (const check of CHECKS) yield await findingOf(session, check, this.kb.identity.id);
      yield await namesOf(session);
    } finally {
      await end();
    }
  }
}

async function findingOf(
  session: PgSession,
  check: QueryCheck,
  kbId: string,
): Promise<StoreFinding> {
  const checked = Number(await session.value(check.count));
  const all = `SELECT count(*) FROM (${check.problems}) AS wrong`;
  const count = Number(await session.value(all, kbId));
  const rows = count === 0 ? [] : await session.rows(`${check.problems} LIMIT ${TOLD}`, kbId);
  return { check: check.check, checked, problems: rows.map(check.tell), count, remedy: check.remedy };
}

/** Every name of an entity's record leads to it, unless an earlier release read names otherwise. */
async function namesOf(session: PostgresKbSession): Promise<StoreFinding> {
  const problems: string[] = [];
  let checked = 0;
  for (let last = 0; ;) {
    const page = await session.rows(
      'SELECT key, record FROM kb_schema.entity WHERE key > $1 ORDER BY key LIMIT $2',
      last,
      PAGE,
    );
    if (page.length === 0) break;
    problems.push(...(await lackingNames(session, page)));
    checked += page.length;
    last = Number(page.at(-1)?.[0]);
  }
  const told = problems.slice(0, TOLD);
  return { check: 'names of entities', checked, problems: told, count: problems.length, remedy: REIMPORT };
}

async function lackingNames(session: PgSession, page: readonly PgRow[]): Promise<string[]> {
  const records = new Map(
    page.map(([key, json]) => [Number(key), JSON.parse(String(json)) as EntityRecord]),
  );
  const names = Array.from(records, ([key, record]) => derivedRows(key, record).names).flat();
  const rows = await session.rows(
    `SELECT given.key, given.normalised
     FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS given(key, rank, normalised)
     WHERE NOT EXISTS (
       SELECT 1 FROM kb_schema.name AS n WHERE n.key = given.key AND n.rank = given.rank
         AND n.normalised = given.normalised)`,
    names.map(({ key }) => key),
    names.map(({ rank }) => rank),
    names.map(({ normalised }) => normalised),
  );
  return rows.map(([key, name]) => {
    const id = records.get(Number(key))?.id;
    return `entity ${text(id)} is not found by its name ${text(name)}`;
  });
}
