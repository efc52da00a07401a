import type { DuplicateId } from './kb-store.js';
import type { PgSession } from './postgres-driver.js';
import type { PostgresKbSession } from './postgres-kb.js';
import { derivedRows } from './postgres-rows.js';
import { fromColumn, toColumn } from './postgres-text.js';
import { serialise } from './record-tag.js';
import {
  knownOf,
  restagedRow,
  stateOf,
  type Known,
  type RestagedRow,
  type StagedRow,
  type StagedState,
} from './staged-rows.js';

export interface StagedPage {
  readonly rows: readonly PlannedRow[];
  /** Keys of staged rows that these replace. */
  readonly replaced: readonly number[];
  readonly duplicates: readonly DuplicateId[];
  /** What the page adds to the counts; below 0 where rows staged before were replaced. */
  readonly counts: Readonly<Record<StagedState, number>>;
  readonly keysUsed: number;
}

export interface PlannedRow extends StagedRow {
  readonly key: number;
  readonly state: StagedState;
  readonly json: string;
}

/** What staging rows with distinct ids comes to; new entities get keys from `nextKey` on. */
export async function planPage(
  session: PgSession,
  page: readonly StagedRow[],
  nextKey: number,
): Promise<StagedPage> {
  const known = await lookUp(session, page);
  const duplicates: DuplicateId[] = [];
  const counts = { added: 0, changed: 0, unchanged: 0 };
  const replaced: number[] = [];
  let keysUsed = 0;
  const rows = page.map((row): PlannedRow => {
    const { visible, staged } = known.get(row.record.id) ?? {};
    if (staged !== undefined) {
      duplicates.push({ id: row.record.id, earlier: staged.position, later: row.position });
      counts[staged.state]--;
      replaced.push(staged.key);
    }
    const json = serialise(row.record);
    const state = stateOf(visible, json);
    counts[state]++;
    const key = visible?.key ?? staged?.key ?? nextKey + keysUsed++;
    return { ...row, key, state, json };
  });
  return { rows, replaced, duplicates, counts, keysUsed };
}

/** Writes what was planned, in one transaction. */
export function stagePage(
  session: PostgresKbSession,
  { rows, replaced }: Pick<StagedPage, 'rows' | 'replaced'>,
): Promise<void> {
  return session.transaction(async () => {
    await unstage(session, replaced);
    await insertStaged(session, rows);
  });
}

export async function unstage(session: PgSession, keys: readonly number[]): Promise<void> {
  if (keys.length === 0) return;
  await session.run('DELETE FROM kb_schema.staging WHERE key = ANY($1::bigint[])', keys);
}

async function lookUp(
  session: PgSession,
  page: readonly StagedRow[],
): Promise<Map<string, Known>> {
  const rows = await session.rows(
    `SELECT asked.id, e.key, e.record, s.key, s.state, s.position FROM unnest($1::text[]) AS asked(id)
     LEFT JOIN kb_schema.entity AS e ON e.id = asked.id
     LEFT JOIN kb_schema.staging AS s ON s.id = asked.id
     WHERE e.key IS NOT NULL OR s.key IS NOT NULL`,
    page.map(({ record }) => toColumn(record.id)),
  );
  return new Map(rows.map(([id, ...known]) => [fromColumn(String(id)), knownOf(known)]));
}

async function insertStaged(session: PgSession, rows: readonly PlannedRow[]): Promise<void> {
  const derived = rows.map(({ key, state, record }) =>
    state === 'unchanged' ? null : derivedRows(key, record),
  );
  await session.run(
    INSERT,
    rows.map(({ key }) => key),
    rows.map(({ record }) => toColumn(record.id)),
    rows.map(({ position }) => position),
    rows.map(({ state }) => state),
    rows.map(({ json }) => json),
    rows.map(({ hash }) => Buffer.from(hash, 'hex')),
    derived.map((of) => of?.document ?? null),
    derived.map((of) => of && arrayOf(of.names.map(({ normalised }) => quoted(normalised)))),
    derived.map((of) => of && arrayOf(of.names.map(({ rank }) => rank))),
    derived.map((of) => of && arrayOf(of.names.map(({ prior }) => prior ?? 'NULL'))),
  );
}

/** Arrays of unequal length cannot be one parameter: each comes as its text. */
const INSERT = `
  INSERT INTO kb_schema.staging
    (key, id, position, state, record, content_hash, document, names, ranks, priors)
  SELECT key, id, position, state, record, hash, document::tsvector,
    names::text[], ranks::bigint[], priors::float8[]
  FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[],
    $8::text[], $9::text[], $10::text[])
  AS given(key, id, position, state, record, hash, document, names, ranks, priors)`;

const arrayOf = (items: readonly (string | number)[]): string => `{${items.join(',')}}`;
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** Staged rows whose entity was changed, made or deleted since: by key, or under the id of one that is visible now. */
const CHANGED_MEANWHILE = `
  WITH touched AS MATERIALIZED (SELECT key FROM kb_schema.change WHERE sequence > $1)
  SELECT s.key, s.state, s.position, s.record FROM kb_schema.staging AS s
  WHERE s.key IN (SELECT key FROM touched)
    OR s.id IN (SELECT e.id FROM touched AS t JOIN kb_schema.entity AS e ON e.key = t.key)`;

/** What others changed under what is staged, to be staged again. */
export async function changedMeanwhile(
  session: PgSession,
  sequence: number,
): Promise<RestagedRow[]> {
  return (await session.rows(CHANGED_MEANWHILE, sequence)).map(restagedRow);
}
