import {
  LearnedTable,
  type ChangeOptions,
  type LearnedDocument,
  type LearnedSurface,
  type LearnedTotals,
  type LearnReport,
} from './kb-store.js';
import { learnedTotals, mentionCounts, NIL_KEY, surfaceCounts } from './learned-counts.js';
import type { PgSession } from './postgres-driver.js';
import { changeVisibly, tellFeed } from './postgres-feed.js';
import type { KbState, PostgresKb } from './postgres-kb.js';
import { fromColumn, nameHash, toColumn } from './postgres-text.js';

/** Counts of labelled texts. */
export class PostgresLearnedTable extends LearnedTable {
  constructor(private readonly kb: PostgresKb) {
    super();
  }

  override learn(
    page: readonly LearnedDocument[],
    options: ChangeOptions = {},
  ): Promise<LearnReport> {
    return changeVisibly(this.kb, options, (session, state) => this.learnPage(session, state, page));
  }

  override forget(options: ChangeOptions = {}): Promise<LearnedTotals> {
    return changeVisibly(this.kb, options, (session, state) => this.forgetAll(session, state));
  }

  override async forgottenAt(): Promise<number> {
    const sql = 'SELECT forgotten_at FROM referent.kb WHERE id = $1';
    return Number((await this.kb.value(sql, this.kb.identity.id)) ?? 0);
  }

  override async known(hashes: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.kb.rows(
      `SELECT encode(hash, 'hex') FROM kb_schema.learned_document WHERE hash = ANY($1::bytea[])`,
      hashes.map(fromHex),
    );
    const known = new Set(rows.map(([hash]) => String(hash)));
    return new Set(hashes.filter((hash) => known.has(hash)));
  }

  override async surfaces(names: readonly string[]): Promise<ReadonlyMap<string, LearnedSurface>> {
    const rows = await this.kb.rows(
      `SELECT s.normalised, s.marked, s.seen,
         (SELECT coalesce(sum(n.count), 0)::bigint FROM kb_schema.learned_name AS n WHERE n.hash = s.hash)
       FROM kb_schema.learned_surface AS s WHERE s.hash = ANY($1::bytea[])`,
      [...new Set(names)].map(nameHash),
    );
    return new Map(
      rows.map(([name, marked, seen, mentions]) => [
        fromColumn(String(name)),
        { marked: Number(marked), seen: Number(seen), mentions: Number(mentions) },
      ]),
    );
  }

  override totals(): Promise<LearnedTotals> {
    return totalsOf(this.kb);
  }

  private async learnPage(
    session: PgSession,
    state: KbState,
    page: readonly LearnedDocument[],
  ): Promise<LearnReport> {
    const learned = await markNew(session, page);
    const fresh = page.filter((_, at) => learned[at]);
    if (fresh.length === 0) return { learned, sequence: state.sequence };
    const keys = await addMentions(session, fresh);
    await addSurfaces(session, fresh);
    const sequence = await tellFeed(session, this.kb.identity.id, state, keys);
    return { learned, sequence };
  }

  private async forgetAll(session: PgSession, state: KbState): Promise<LearnedTotals> {
    const totals = await totalsOf(session);
    if (totals.documents === 0) return totals;
    const sql = `SELECT DISTINCT key FROM kb_schema.learned_name WHERE key <> ${NIL_KEY}`;
    const keys = (await session.rows(sql)).map(([key]) => Number(key));
    for (const table of ['learned_document', 'learned_name', 'learned_surface']) {
      await session.run(`DELETE FROM kb_schema.${table}`);
    }
    const { id } = this.kb.identity;
    const sequence = await tellFeed(session, id, state, keys);
    await session.run('UPDATE referent.kb SET forgotten_at = $2 WHERE id = $1', id, sequence);
    return totals;
  }
}

/** Marks documents as learned; false for those that were, and for the second of two. */
async function markNew(
  session: PgSession,
  page: readonly LearnedDocument[],
): Promise<boolean[]> {
  const rows = await session.rows(
    `INSERT INTO kb_schema.learned_document (hash) SELECT * FROM unnest($1::bytea[])
     ON CONFLICT DO NOTHING RETURNING encode(hash, 'hex')`,
    page.map(({ hash }) => fromHex(hash)),
  );
  const fresh = new Set(rows.map(([hash]) => String(hash)));
  return page.map(({ hash }) => fresh.delete(hash));
}

/** An entity may have gone since the text was read: its mentions go with it. */
const ADD_MENTIONS = `
  INSERT INTO kb_schema.learned_name AS known (hash, normalised, key, count)
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[]) AS given(hash, name, key, count)
    WHERE given.key = ${NIL_KEY} OR EXISTS (SELECT 1 FROM kb_schema.entity AS e WHERE e.key = given.key)
  ON CONFLICT (hash, key) DO UPDATE SET count = known.count + excluded.count
  RETURNING key`;

/** Gives the keys of the entities that were counted. */
async function addMentions(
  session: PgSession,
  page: readonly LearnedDocument[],
): Promise<number[]> {
  const rows = mentionCounts(page);
  const touched = await session.rows(
    ADD_MENTIONS,
    rows.map(({ name }) => nameHash(name)),
    rows.map(({ name }) => toColumn(name)),
    rows.map(({ key }) => key),
    rows.map(({ count }) => count),
  );
  const keys = new Set(touched.map(([key]) => Number(key)));
  keys.delete(NIL_KEY);
  return [...keys];
}

async function addSurfaces(session: PgSession, page: readonly LearnedDocument[]): Promise<void> {
  const rows = [...surfaceCounts(page)];
  await session.run(
    `INSERT INTO kb_schema.learned_surface AS known (hash, normalised, seen, marked)
       SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[])
     ON CONFLICT (hash) DO UPDATE
       SET seen = known.seen + excluded.seen, marked = known.marked + excluded.marked`,
    rows.map(([name]) => nameHash(name)),
    rows.map(([name]) => toColumn(name)),
    rows.map(([, { seen }]) => seen),
    rows.map(([, { marked }]) => marked),
  );
}

async function totalsOf(session: PgSession): Promise<LearnedTotals> {
  const [row = []] = await session.rows(
    `SELECT (SELECT count(*) FROM kb_schema.learned_document),
       (SELECT coalesce(sum(count), 0)::bigint FROM kb_schema.learned_name),
       (SELECT count(*) FROM kb_schema.learned_surface)`,
  );
  return learnedTotals(row);
}

const fromHex = (hash: string): Buffer => Buffer.from(hash, 'hex');
