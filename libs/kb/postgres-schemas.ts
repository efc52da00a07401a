import { randomUUID } from 'node:crypto';
import type { PgSession } from './postgres-driver.js';
import type { KbIdentity } from './postgres-kb.js';
import { migrateKb, NOW } from './postgres-schema.js';

/** Makes a KB's row and schema, inside the transaction that is open. */
export async function makeKb(
  session: PgSession,
  name: string,
  state: 'ready' | 'copying',
): Promise<KbIdentity> {
  const id = randomUUID();
  const schema = schemaOf(name, id);
  const number = await session.value(
    `INSERT INTO referent.kb (id, name, schema, state, updated_at) VALUES ($1, $2, $3, $4, ${NOW})
     RETURNING number`,
    id,
    name,
    schema,
    state,
  );
  await session.run(`CREATE SCHEMA ${schema}`);
  await migrateKb(session, { id, schema, version: 0 });
  return { name, id, number: Number(number), schema };
}

export async function dropKb(session: PgSession, { id, schema }: KbIdentity): Promise<void> {
  await session.run(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await session.run('DELETE FROM referent.kb WHERE id = $1', id);
}

/**
 * The beginning of the name for people, the id for the database: a name can be longer than PostgreSQL's 63 bytes, and
 * statements for a KB that was dropped can never meet the tables of the next one of that name.
 */
function schemaOf(name: string, id: string): string {
  const readable = name.slice(0, 20).replaceAll(/[^a-z0-9]/g, '_');
  return `referent_${readable}_${id.replaceAll('-', '')}`;
}
