import type { PgSession } from './postgres-driver.js';
import type { KbIdentity, PostgresKbSession } from './postgres-kb.js';
import { BULK_INDEXES, NOW } from './postgres-schema.js';
import { countFrequentTerms } from './postgres-terms.js';
import { assertUnchangedSince } from './staged-rows.js';

export interface CommitOptions {
  readonly identity: KbIdentity;
  readonly added: number;
  readonly changed: number;
  /** Reserved for this commit's last change. */
  readonly sequence: number;
  readonly onProgress: (done: number, total: number) => void;
}

const ENTITIES_A_STEP = 1_000;

/**
 * The last sequence of a run of `changes` that nobody else gets. It is not given back when the import dies, so an
 * index built for it can never pass for one of a later state.
 */
export async function reserveSequences(
  session: PgSession,
  kbId: string,
  changes: number,
): Promise<number> {
  const sql =
    changes === 0
      ? 'SELECT sequence + $2 FROM referent.kb WHERE id = $1'
      : `UPDATE referent.kb SET reserved_sequence = greatest(sequence, reserved_sequence) + $2
         WHERE id = $1 RETURNING reserved_sequence`;
  return Number(await session.value(sql, kbId, changes));
}

/** Makes the staged rows visible in one transaction; readers keep the old state until its end. Durable when it returns. */
export async function commitStaged(
  session: PostgresKbSession,
  options: CommitOptions,
): Promise<void> {
  if (options.added + options.changed === 0) return;
  await session.transaction(async () => {
    const { sequence } = await session.lockedState();
    const first = options.sequence - options.added - options.changed;
    assertUnchangedSince(sequence, first);
    const isFirst = sequence === 0;
    if (isFirst) await session.run(BULK_INDEXES.drop);
    const moreNames = await moveEntities(session, options, first);
    if (isFirst) await session.run(BULK_INDEXES.create);
    await session.run(
      `UPDATE referent.kb SET sequence = $2, entities = entities + $3, names = names + $4,
         updated_at = ${NOW} WHERE id = $1`,
      options.identity.id,
      options.sequence,
      options.added,
      moreNames,
    );
    await countFrequentTerms(session, options.identity);
  });
}

/** Returns by how many the names became more. */
async function moveEntities(
  session: PgSession,
  options: CommitOptions,
  first: number,
): Promise<number> {
  const total = options.added + options.changed;
  let moreNames = 0;
  let done = 0;
  for (let last = 0; ;) {
    const end = await session.value(STEP_END, last, ENTITIES_A_STEP);
    if (typeof end !== 'number') return moreNames;
    if (options.changed > 0) moreNames -= await removeOld(session, last, end);
    done += await insertNew(session, [last, end], first + done);
    moreNames += await session.run(INSERT_NAMES, last, end);
    options.onProgress(done, total);
    last = end;
  }
}

const STEP_END = `SELECT max(key) FROM (
  SELECT key FROM kb_schema.staging WHERE key > $1 AND state <> 'unchanged' ORDER BY key LIMIT $2) AS step`;

const IN_STEP = `s.key > $1 AND s.key <= $2`;
const CHANGED = `SELECT s.key FROM kb_schema.staging AS s WHERE ${IN_STEP} AND s.state = 'changed'`;

/** Returns how many names it took away. */
async function removeOld(session: PgSession, last: number, end: number): Promise<number> {
  await session.run(
    `INSERT INTO kb_schema.retired_content
       SELECT e.content_hash FROM kb_schema.staging AS s JOIN kb_schema.entity AS e ON e.key = s.key
       WHERE ${IN_STEP} AND s.state = 'changed' AND e.content_hash <> s.content_hash
     ON CONFLICT DO NOTHING`,
    last,
    end,
  );
  await session.run(`DELETE FROM kb_schema.entity_text WHERE key IN (${CHANGED})`, last, end);
  await session.run(`DELETE FROM kb_schema.change WHERE key IN (${CHANGED})`, last, end);
  return session.run(`DELETE FROM kb_schema.name WHERE key IN (${CHANGED})`, last, end);
}

/** Returns how many entities it wrote. */
async function insertNew(
  session: PgSession,
  range: readonly [number, number],
  sequence: number,
): Promise<number> {
  const changed = await session.run(
    `UPDATE kb_schema.entity AS e SET record = s.record, content_hash = s.content_hash
     FROM kb_schema.staging AS s WHERE e.key = s.key AND ${IN_STEP} AND s.state = 'changed'`,
    ...range,
  );
  const added = await session.run(
    `INSERT INTO kb_schema.entity (key, id, record, content_hash)
       SELECT s.key, s.id, s.record, s.content_hash FROM kb_schema.staging AS s
       WHERE ${IN_STEP} AND s.state = 'added' ORDER BY s.key`,
    ...range,
  );
  const staged = `FROM kb_schema.staging AS s WHERE ${IN_STEP} AND s.state <> 'unchanged'`;
  await session.run(
    `INSERT INTO kb_schema.entity_text (key, document) SELECT s.key, s.document ${staged} ORDER BY s.key`,
    ...range,
  );
  await session.run(
    `INSERT INTO kb_schema.change (sequence, key, kind)
       SELECT $3 + row_number() OVER (ORDER BY s.key), s.key, 'upsert' ${staged}`,
    ...range,
    sequence,
  );
  return changed + added;
}

const INSERT_NAMES = `
  INSERT INTO kb_schema.name (key, rank, prior, normalised)
    SELECT s.key, n.rank, n.prior, n.normalised
    FROM kb_schema.staging AS s, unnest(s.names, s.ranks, s.priors) AS n(normalised, rank, prior)
    WHERE ${IN_STEP} AND s.state <> 'unchanged'`;
