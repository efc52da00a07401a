import type { PgSession } from './postgres-driver.js';

/** A word in fewer entities than this is rare enough to be counted when it is asked for. */
const FREQUENT_SHARE = 0.001;
const FREQUENT_AT_LEAST = 50;

/** Recounted where a tenth of the entities changed since the last count; some 10 microseconds an entity. */
export async function countFrequentTerms(
  session: PgSession,
  kb: { readonly id: string; readonly schema: string },
): Promise<void> {
  const [row = []] = await session.rows(
    'SELECT sequence, terms_counted_at, entities FROM referent.kb WHERE id = $1',
    kb.id,
  );
  const [sequence = 0, countedAt = 0, entities = 0] = row.map(Number);
  if (sequence - countedAt < entities / 10) return;
  await session.run('DELETE FROM kb_schema.frequent_term');
  await session.run(
    `INSERT INTO kb_schema.frequent_term
       SELECT word, ndoc FROM ts_stat($1) WHERE ndoc >= $2 AND word NOT LIKE '=%'`,
    `SELECT document FROM ${kb.schema}.entity_text`,
    Math.max(FREQUENT_AT_LEAST, entities * FREQUENT_SHARE),
  );
  await session.run('ANALYZE kb_schema.entity, kb_schema.entity_text, kb_schema.name');
  await session.run(
    `UPDATE referent.kb SET terms_counted_at = $2, average_words = greatest(1, (
       SELECT coalesce(avg(length(document)), 1) FROM kb_schema.entity_text)) WHERE id = $1`,
    kb.id,
    sequence,
  );
}
