import type { ChangeOptions } from './kb-store.js';
import type { PgSession } from './postgres-driver.js';
import type { KbState, PostgresKb, PostgresKbSession } from './postgres-kb.js';
import { keepWindowShut } from './postgres-lock.js';
import { NOW } from './postgres-schema.js';

/** How long a change waits for an import that is becoming visible; a small one takes milliseconds. */
const PATIENCE_MS = 1_000;

/** All of `work` or nothing of it, on disk when it is done; `busy` while an import becomes visible. */
export function changeVisibly<T>(
  kb: PostgresKb,
  { beforeCommit }: ChangeOptions,
  work: (session: PostgresKbSession, state: KbState) => Promise<T>,
): Promise<T> {
  return kb.write(
    async (session, state) => {
      if (state.reserved > state.sequence) await beforeCommit?.();
      return work(session, state);
    },
    (session) => keepWindowShut(session, kb, PATIENCE_MS),
  );
}

/**
 * Puts the entities on the change feed, and gives the sequence reached: it grows even where none was touched, as NIL
 * mentions change answers too. Numbers that a dead import reserved are passed over.
 */
export async function tellFeed(
  session: PgSession,
  kbId: string,
  { sequence, reserved }: KbState,
  keys: readonly number[],
): Promise<number> {
  const before = Math.max(sequence, reserved);
  await session.run('DELETE FROM kb_schema.change WHERE key = ANY($1::bigint[])', keys);
  await session.run(
    `INSERT INTO kb_schema.change (sequence, key, kind)
       SELECT $1 + row_number() OVER (ORDER BY key), key, 'upsert' FROM unnest($2::bigint[]) AS touched(key)`,
    before,
    keys,
  );
  const reached = before + Math.max(1, keys.length);
  const update = `UPDATE referent.kb SET sequence = $2, updated_at = ${NOW} WHERE id = $1`;
  await session.run(update, kbId, reached);
  return reached;
}
