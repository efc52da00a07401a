import { ReferentError } from '../contract/errors.js';
import type { PgDatabase, PgSession } from './postgres-driver.js';

/** Rows of the tables that Kysely reads. */
export interface PostgresTables {
  kb: {
    number: number;
    id: string;
    name: string;
    schema: string;
    state: 'ready' | 'copying';
    version: number;
    sequence: number;
    entities: number;
    names: number;
    updated_at: string;
    active_model: string | null;
  };
  entity: { key: number; id: string; record: string; content_hash: Uint8Array };
  change: { sequence: number; key: number; kind: 'upsert' | 'delete' };
}

/** The schema of the catalog; each KB has one of its own besides. */
export const CATALOG = 'referent';

/** First key of the advisory lock under which the catalog is migrated ('Ref' and 0); see postgres-lock.ts. */
const CATALOG_LOCK = 0x52656600;

/** ISO 8601, UTC, by the server's clock. */
export const NOW = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * Migrations of the catalog in order; never edit one that was released: add another.
 *
 * - kb: a row a KB with all that changes with every write, so that locking it puts the writers of a KB in line and one
 *   query lists all KBs. `id` is another for a KB that is made anew; `number` names its locks; `version` counts the
 *   migrations of its schema. A KB that is being copied in is no KB yet, and does not take its name.
 * - kb.next_key, kb.reserved_sequence: never handed out twice, so that what a dead import left behind cannot
 *   be taken for something else.
 * - kb.terms_counted_at, average_words: at which sequence `frequent_term` was made, and how many words an entity had.
 * - kb.forgotten_at: the sequence at which what was learned was last forgotten.
 * - kb.active_model, previous_model: vector versions, see `ModelTable`.
 */
const CATALOG_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE referent.kb (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    schema text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('ready', 'copying')),
    version integer NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    entities bigint NOT NULL DEFAULT 0,
    names bigint NOT NULL DEFAULT 0,
    updated_at text NOT NULL,
    next_key bigint NOT NULL DEFAULT 1,
    reserved_sequence bigint NOT NULL DEFAULT 0,
    terms_counted_at bigint NOT NULL DEFAULT 0,
    average_words real NOT NULL DEFAULT 30,
    forgotten_at bigint NOT NULL DEFAULT 0,
    active_model text,
    previous_model text
  );
  CREATE UNIQUE INDEX kb_of_name ON referent.kb (name) WHERE state = 'ready';
  `,
];

/**
 * Migrations of a KB's schema in order, written for the schema `kb_schema`.
 *
 * - name: names can be longer than an index entry, so the index has their beginnings (`NAME_HEAD`); rank: titles
 *   first, then a fixed pseudo-random order of id (see entity-names.ts).
 * - entity_text.document: lexemes with weights A title, B first aliases, C beginning of the description; words of
 *   title and aliases once more with an = before them. Apart from the entity, as ranking reads many of them.
 * - frequent_term: document counts of the common words, refreshed when the KB has changed much; a word that
 *   is not in it is rare. Only the choice of query terms and their weights rest on it.
 * - vector: by model and content, not by entity: a vector outlives an import that was killed. float32, little-endian.
 * - retired_content: what an entity was once; where none is any more, its vectors can go. Contents that no entity
 *   ever had are not among them: they are what an import has encoded that was stopped and will go on.
 * - learned_name: how often labelled texts call an entity so; key 0, which no entity has, is NIL.
 * - learned_surface: how often a name occurs in the texts learned, and how often as a mention.
 * - reembedding: the one under way, if any; its progress is what its leader last said, JSON.
 */
export const KB_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE kb_schema.entity (
    key bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    record text COLLATE "C" NOT NULL,
    content_hash bytea NOT NULL
  );
  CREATE INDEX entity_content ON kb_schema.entity (content_hash);
  CREATE TABLE kb_schema.retired_content (content_hash bytea PRIMARY KEY);
  CREATE TABLE kb_schema.name (
    key bigint NOT NULL,
    rank bigint NOT NULL,
    prior double precision,
    normalised text COLLATE "C" NOT NULL
  );
  CREATE INDEX name_head ON kb_schema.name (left(normalised, 256), rank, key);
  CREATE INDEX name_of_key ON kb_schema.name (key);
  CREATE TABLE kb_schema.entity_text (key bigint PRIMARY KEY, document tsvector NOT NULL);
  CREATE INDEX entity_text_words ON kb_schema.entity_text
    USING gin (document) WITH (gin_pending_list_limit = 512);
  CREATE TABLE kb_schema.frequent_term (term text COLLATE "C" PRIMARY KEY, documents bigint NOT NULL);
  CREATE TABLE kb_schema.change (
    sequence bigint PRIMARY KEY,
    key bigint NOT NULL UNIQUE,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('upsert', 'delete'))
  );
  CREATE TABLE kb_schema.model (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text COLLATE "C" NOT NULL UNIQUE
  );
  CREATE TABLE kb_schema.vector (
    model integer NOT NULL REFERENCES kb_schema.model,
    content_hash bytea NOT NULL,
    vector bytea NOT NULL,
    PRIMARY KEY (model, content_hash)
  );
  ALTER TABLE kb_schema.vector ALTER COLUMN vector SET STORAGE EXTERNAL;
  CREATE TABLE kb_schema.learned_document (hash bytea PRIMARY KEY);
  CREATE TABLE kb_schema.learned_name (
    hash bytea NOT NULL,
    key bigint NOT NULL,
    count bigint NOT NULL,
    normalised text COLLATE "C" NOT NULL,
    PRIMARY KEY (hash, key)
  );
  CREATE INDEX learned_name_of_key ON kb_schema.learned_name (key);
  CREATE TABLE kb_schema.learned_surface (
    hash bytea PRIMARY KEY,
    seen bigint NOT NULL,
    marked bigint NOT NULL,
    normalised text COLLATE "C" NOT NULL
  );
  CREATE TABLE kb_schema.reembedding (
    one integer PRIMARY KEY CHECK (one = 1),
    target text NOT NULL,
    model text NOT NULL,
    problem text,
    started_at text NOT NULL,
    progress text
  );
  `,
];

/** In the KB's schema while an import runs: no log is written of it, and throwing it away is dropping it. */
export const STAGING_SCHEMA = `
  DROP TABLE IF EXISTS kb_schema.staging;
  CREATE UNLOGGED TABLE kb_schema.staging (
    key bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    position bigint NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('added', 'changed', 'unchanged')),
    record text COLLATE "C",
    content_hash bytea,
    document tsvector,
    names text[] COLLATE "C",
    ranks bigint[],
    priors double precision[]
  );
`;

/**
 * Made in one go at the end of a first import, which is some times faster than adding to them row by row; nobody reads
 * a KB before that.
 */
export const BULK_INDEXES = {
  drop: `
  DROP INDEX kb_schema.entity_content, kb_schema.name_head, kb_schema.name_of_key, kb_schema.entity_text_words;
`,
  create: `
  CREATE INDEX entity_content ON kb_schema.entity (content_hash);
  CREATE INDEX name_head ON kb_schema.name (left(normalised, 256), rank, key);
  CREATE INDEX name_of_key ON kb_schema.name (key);
  CREATE INDEX entity_text_words ON kb_schema.entity_text
    USING gin (document) WITH (gin_pending_list_limit = 512);
`,
};

/** Statements with `kb_schema.` for a KB's own schema, which is a name of ours: letters, digits and _. */
export function inSchema(sql: string, schema: string): string {
  return sql.replaceAll('kb_schema.', `${schema}.`);
}

/** Brings the catalog to the current schema; safe to run in several processes at once. */
export async function migrateCatalog(database: PgDatabase): Promise<void> {
  if ((await appliedToCatalog(database)) === CATALOG_MIGRATIONS.length) return;
  await database.transaction(async (connection) => {
    await connection.run('SELECT pg_advisory_xact_lock($1, 0)', CATALOG_LOCK);
    const applied = await appliedToCatalog(connection);
    if (applied > CATALOG_MIGRATIONS.length) throw newerCatalog(database.target, applied);
    if (applied === 0) await beginCatalog(connection, database.target);
    for (const [index, sql] of CATALOG_MIGRATIONS.slice(applied).entries()) {
      await connection.run(sql);
      await connection.run(
        `INSERT INTO referent.migration VALUES ($1, ${NOW})`,
        applied + index + 1,
      );
    }
  });
}

async function appliedToCatalog(session: PgSession): Promise<number> {
  const exists = await session.value(`SELECT to_regclass('referent.migration') IS NOT NULL`);
  if (exists !== true) return 0;
  return Number(await session.value('SELECT coalesce(max(version), 0) FROM referent.migration'));
}

/** @throws ReferentError `store-invalid` where a schema of that name is somebody else's, or texts would not fit. */
async function beginCatalog(session: PgSession, target: string): Promise<void> {
  const encoding = await session.value('SHOW server_encoding');
  if (encoding !== 'UTF8') {
    throw new ReferentError(
      'store-invalid',
      `${target} is encoded in ${String(encoding)} and cannot hold all texts; make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
    );
  }
  if ((await session.value(`SELECT to_regnamespace('referent') IS NOT NULL`)) === true) {
    throw new ReferentError(
      'store-invalid',
      `${target} has a schema referent of something else; use another database`,
    );
  }
  await session.run('CREATE SCHEMA referent');
  await session.run(
    'CREATE TABLE referent.migration (version integer PRIMARY KEY, applied_at text NOT NULL)',
  );
}

function newerCatalog(target: string, applied: number): ReferentError {
  return new ReferentError(
    'store-invalid',
    `${target} has catalog schema ${applied}, this release knows up to ${CATALOG_MIGRATIONS.length}; use a newer release of Referent`,
  );
}

/** Applies what a KB's schema lacks; its row is locked by the caller. */
export async function migrateKb(
  session: PgSession,
  kb: { readonly id: string; readonly schema: string; readonly version: number },
): Promise<void> {
  for (const sql of KB_MIGRATIONS.slice(kb.version)) await session.run(inSchema(sql, kb.schema));
  const update = 'UPDATE referent.kb SET version = $2 WHERE id = $1';
  await session.run(update, kb.id, KB_MIGRATIONS.length);
}
