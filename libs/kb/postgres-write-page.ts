import type { EntityRecord } from '../contract/entity.js';
import { contentHash } from './content-hash.js';
import type { EntityWrite, WriteOutcome, WriteReport } from './kb-store.js';
import type { PgSession } from './postgres-driver.js';
import type { KbIdentity, KbState } from './postgres-kb.js';
import { derivedRows, insertNames } from './postgres-rows.js';
import { NOW } from './postgres-schema.js';
import { countFrequentTerms } from './postgres-terms.js';
import { toColumn } from './postgres-text.js';
import { serialise, tagOf } from './record-tag.js';
import { assertActive, isAsExpected, notEmbedded } from './write-conditions.js';

export interface WritePage {
  readonly identity: KbIdentity;
  readonly state: KbState;
  readonly writes: readonly EntityWrite[];
  readonly modelVersion: string;
}

interface Version {
  readonly key: number;
  readonly json: string;
  /** What was written; null for what the store has. */
  readonly written: { readonly record: EntityRecord; readonly hash: string } | null;
}

/**
 * Makes the writes of a page in their order, inside the transaction that holds the KB's row: worked out here from what
 * the store has of their ids, and then written table by table.
 * @throws ReferentError `model-mismatch` where a content has no vector of the model, or another model is active.
 */
export async function writePage(session: PgSession, page: WritePage): Promise<WriteReport> {
  const nextKey = await activeKb(session, page);
  const present = await presentIn(session, page.writes);
  const plan = new PagePlan(present, { nextKey, sequence: Math.max(page.state.sequence, page.state.reserved) });
  const outcomes = page.writes.map((write) => plan.take(write));
  if (plan.changes.size === 0) return { outcomes, sequence: page.state.sequence };
  await assertEmbedded(session, plan.contents, page.modelVersion);
  const names = await apply(session, plan);
  await session.run(
    `UPDATE referent.kb SET sequence = $2, entities = entities + $3, names = names + $4, next_key = $5,
       updated_at = ${NOW} WHERE id = $1`,
    page.identity.id,
    plan.sequence,
    plan.entities,
    names,
    plan.nextKey,
  );
  await countFrequentTerms(session, page.identity);
  return { outcomes, sequence: plan.sequence };
}

/** What a page comes to. */
class PagePlan {
  readonly changes = new Map<number, { readonly sequence: number; readonly kind: 'upsert' | 'delete' }>();
  /** By content hash an entity that is to have it. */
  readonly contents = new Map<string, string>();
  entities = 0;
  nextKey: number;
  sequence: number;
  private readonly now: Map<string, Version>;

  constructor(
    readonly present: ReadonlyMap<string, Version>,
    from: { readonly nextKey: number; readonly sequence: number },
  ) {
    this.now = new Map(present);
    this.nextKey = from.nextKey;
    this.sequence = from.sequence;
  }

  take({ id, record, expected }: EntityWrite): WriteOutcome {
    const before = this.now.get(id);
    const tag = before === undefined ? null : tagOf(before.json);
    if (!isAsExpected(tag, expected)) return { status: 'stale', tag };
    if (record !== null) return this.put(record, before);
    if (before === undefined) return { status: 'absent', tag };
    this.now.delete(id);
    this.entities--;
    this.tell(before.key, 'delete');
    return { status: 'deleted', tag: null };
  }

  /** Entities that are other than the store has them. */
  get written(): Version[] {
    return [...this.now.values()].filter(({ written }) => written !== null);
  }

  private put(record: EntityRecord, before: Version | undefined): WriteOutcome {
    const json = serialise(record);
    const tag = tagOf(json);
    if (before?.json === json) return { status: 'unchanged', tag };
    const hash = contentHash(record);
    this.contents.set(hash, record.id);
    const key = before?.key ?? this.nextKey++;
    this.now.set(record.id, { key, json, written: { record, hash } });
    if (before === undefined) this.entities++;
    this.tell(key, 'upsert');
    return { status: before === undefined ? 'created' : 'changed', tag };
  }

  private tell(key: number, kind: 'upsert' | 'delete'): void {
    this.sequence++;
    this.changes.set(key, { sequence: this.sequence, kind });
  }
}

/** The next key, where the KB is searched with that model. */
async function activeKb(
  session: PgSession,
  { identity, modelVersion }: WritePage,
): Promise<number> {
  const sql = 'SELECT active_model, next_key FROM referent.kb WHERE id = $1';
  const [active, nextKey] = (await session.rows(sql, identity.id))[0] ?? [];
  assertActive(active, modelVersion);
  return Number(nextKey);
}

async function presentIn(
  session: PgSession,
  writes: readonly EntityWrite[],
): Promise<Map<string, Version>> {
  const ids = new Map(writes.map(({ id }) => [toColumn(id), id]));
  const rows = await session.rows(
    'SELECT id, key, record FROM kb_schema.entity WHERE id = ANY($1::text[])',
    [...ids.keys()],
  );
  return new Map(
    rows.map(([id, key, record]) => [
      ids.get(String(id)) ?? '',
      { key: Number(key), json: String(record), written: null },
    ]),
  );
}

async function assertEmbedded(
  session: PgSession,
  contents: ReadonlyMap<string, string>,
  modelVersion: string,
): Promise<void> {
  const rows = await session.rows(
    `SELECT encode(v.content_hash, 'hex') FROM kb_schema.vector AS v
     WHERE v.model = (SELECT id FROM kb_schema.model WHERE version = $1)
       AND v.content_hash = ANY($2::bytea[])`,
    modelVersion,
    [...contents.keys()].map((hash) => Buffer.from(hash, 'hex')),
  );
  const there = new Set(rows.map(([hash]) => String(hash)));
  const [missing] = [...contents].filter(([hash]) => !there.has(hash));
  if (missing !== undefined) throw notEmbedded(missing[1], modelVersion);
}

/** Gives by how many the names became more. */
async function apply(session: PgSession, plan: PagePlan): Promise<number> {
  const touched = [...plan.changes.keys()];
  const deleted = [...plan.changes].filter(([, { kind }]) => kind === 'delete').map(([key]) => key);
  const written = plan.written;
  await retire(session, { touched, hashes: written.flatMap(({ written: w }) => w?.hash ?? []) });
  const fewer = await removeDerived(session, touched, deleted);
  await insertEntities(session, written);
  const derived = written.flatMap(({ key, written: w }) => (w ? [{ key, ...derivedRows(key, w.record) }] : []));
  await session.run(
    `INSERT INTO kb_schema.entity_text (key, document)
       SELECT key, document::tsvector FROM unnest($1::bigint[], $2::text[]) AS given(key, document)`,
    derived.map(({ key }) => key),
    derived.map(({ document }) => document),
  );
  const more = await insertNames(session, derived.flatMap(({ names }) => names));
  await tell(session, plan);
  return more - fewer;
}

/** Notes what entities were until now, where none of the page is so from now on. */
async function retire(
  session: PgSession,
  { touched, hashes }: { readonly touched: readonly number[]; readonly hashes: readonly string[] },
): Promise<void> {
  await session.run(
    `INSERT INTO kb_schema.retired_content
       SELECT DISTINCT content_hash FROM kb_schema.entity
       WHERE key = ANY($1::bigint[]) AND content_hash <> ALL($2::bytea[])
     ON CONFLICT DO NOTHING`,
    touched,
    hashes.map((hash) => Buffer.from(hash, 'hex')),
  );
}

/** Gives how many names went. */
async function removeDerived(
  session: PgSession,
  touched: readonly number[],
  deleted: readonly number[],
): Promise<number> {
  await session.run('DELETE FROM kb_schema.entity_text WHERE key = ANY($1::bigint[])', touched);
  await session.run('DELETE FROM kb_schema.change WHERE key = ANY($1::bigint[])', touched);
  if (deleted.length > 0) {
    await session.run('DELETE FROM kb_schema.entity WHERE key = ANY($1::bigint[])', deleted);
    await session.run('DELETE FROM kb_schema.learned_name WHERE key = ANY($1::bigint[])', deleted);
  }
  return session.run('DELETE FROM kb_schema.name WHERE key = ANY($1::bigint[])', touched);
}

function insertEntities(session: PgSession, written: readonly Version[]): Promise<number> {
  return session.run(
    `INSERT INTO kb_schema.entity (key, id, record, content_hash)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[])
     ON CONFLICT (key) DO UPDATE SET record = excluded.record, content_hash = excluded.content_hash`,
    written.map(({ key }) => key),
    written.map(({ written: w }) => toColumn(w?.record.id ?? '')),
    written.map(({ json }) => json),
    written.map(({ written: w }) => Buffer.from(w?.hash ?? '', 'hex')),
  );
}

async function tell(session: PgSession, { changes }: PagePlan): Promise<void> {
  const rows = [...changes];
  await session.run(
    `INSERT INTO kb_schema.change (sequence, key, kind)
       SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])`,
    rows.map(([, { sequence }]) => sequence),
    rows.map(([key]) => key),
    rows.map(([, { kind }]) => kind),
  );
}
