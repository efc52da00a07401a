import { ReferentError } from '../contract/errors.js';
import type { SqliteConnection } from './sqlite-driver.js';

/** Rows of the tables below, for Kysely. */
export interface Tables {
  kb: {
    sequence: number;
    entities: number;
    names: number;
    updated_at: string;
    next_key: number;
    reserved_sequence: number;
    active_model: string | null;
    previous_model: string | null;
  };
  reembedding: {
    one: 1;
    target: string;
    model: string;
    problem: string | null;
    started_at: string;
    progress: string | null;
  };
  entity: { key: number; id: string; record: string; content_hash: Uint8Array; names: string };
  name: { normalised: string; rank: number; key: number; prior: number | null };
  change: { sequence: number; key: number; kind: 'upsert' | 'delete' };
  frequent_term: { term: string; documents: number };
  learned_name: { normalised: string; key: number; count: number };
}

/**
 * Migrations in order; a store has applied the first N. Never edit one that was released: add another.
 *
 * - entity.names: JSON array of the normalised names exactly as they stand in `name`, so that they can be taken
 *   out again even where a later release normalises otherwise. The first is the title's, '' where it has none.
 * - name.rank: titles first, then a fixed pseudo-random order of id (see entity-names.ts).
 * - entity_text: contentless, rowid = key; BM25 over title, first aliases and beginning of the description.
 * - frequent_term: document counts of the common words, refreshed when the KB has changed much; a word that
 *   is not in it is rare. Only the choice of query terms rests on it.
 * - vector: by model and content, not by entity: a vector outlives an import that was killed.
 * - retired_content: what an entity was once; where none is any more, its vectors can go. Contents that no entity
 *   ever had are not among them: they are what an import has encoded that was stopped and will go on. (OR IGNORE in a
 *   trigger is overruled by the statement that fires it.)
 * - learned_name: how often labelled texts call an entity so; key 0, which no entity has, is NIL.
 * - learned_surface: how often a name occurs in the texts learned, and how often as a mention.
 * - kb.forgotten_at: the sequence at which what was learned was last forgotten.
 * - kb.active_model, previous_model: vector versions, see `ModelTable`; reembedding: the one under way, if any.
 * - reembedding.progress: what its leader last said, JSON.
 * - kb.next_key, kb.reserved_sequence: never handed out twice, so that what a dead import left behind cannot
 *   be taken for something else.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE kb (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    sequence INTEGER NOT NULL,
    entities INTEGER NOT NULL,
    names INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    next_key INTEGER NOT NULL,
    reserved_sequence INTEGER NOT NULL,
    terms_counted_at INTEGER NOT NULL
  );
  INSERT INTO kb VALUES (1, 0, 0, 0, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 1, 0, 0);
  CREATE TABLE entity (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    names TEXT NOT NULL
  );
  CREATE TABLE name (
    normalised TEXT NOT NULL,
    rank INTEGER NOT NULL,
    key INTEGER NOT NULL,
    prior REAL,
    PRIMARY KEY (normalised, rank, key)
  ) WITHOUT ROWID;
  CREATE VIRTUAL TABLE entity_text USING fts5(
    title, aliases, description,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
  );
  INSERT INTO entity_text (entity_text, rank) VALUES ('hashsize', 16777216);
  CREATE VIRTUAL TABLE entity_term USING fts5vocab(entity_text, 'row');
  CREATE TABLE frequent_term (term TEXT PRIMARY KEY, documents INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE change (
    sequence INTEGER PRIMARY KEY,
    key INTEGER NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('upsert', 'delete'))
  );
  CREATE TABLE model (id INTEGER PRIMARY KEY, version TEXT NOT NULL UNIQUE);
  CREATE TABLE vector (
    id INTEGER PRIMARY KEY,
    model INTEGER NOT NULL REFERENCES model,
    content_hash BLOB NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (model, content_hash)
  );
  `,
  `
  ALTER TABLE kb ADD COLUMN forgotten_at INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE learned_document (hash BLOB PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE learned_name (
    normalised TEXT NOT NULL,
    key INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (normalised, key)
  ) WITHOUT ROWID;
  CREATE INDEX learned_name_of_key ON learned_name (key);
  CREATE TABLE learned_surface (
    normalised TEXT PRIMARY KEY,
    seen INTEGER NOT NULL,
    marked INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TRIGGER learned_name_goes_with_its_entity AFTER DELETE ON entity BEGIN
    DELETE FROM learned_name WHERE key = old.key;
  END;
  `,
  `
  ALTER TABLE kb ADD COLUMN active_model TEXT;
  ALTER TABLE kb ADD COLUMN previous_model TEXT;
  CREATE TABLE reembedding (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    target TEXT NOT NULL,
    model TEXT NOT NULL,
    problem TEXT,
    started_at TEXT NOT NULL
  );
  `,
  `
  CREATE TABLE retired_content (content_hash BLOB PRIMARY KEY) WITHOUT ROWID;
  CREATE TRIGGER content_retires_with_a_change AFTER UPDATE OF content_hash ON entity
  WHEN old.content_hash <> new.content_hash BEGIN
    INSERT INTO retired_content SELECT old.content_hash
      WHERE NOT EXISTS (SELECT 1 FROM retired_content WHERE content_hash = old.content_hash);
  END;
  CREATE TRIGGER content_retires_with_its_entity AFTER DELETE ON entity BEGIN
    INSERT INTO retired_content SELECT old.content_hash
      WHERE NOT EXISTS (SELECT 1 FROM retired_content WHERE content_hash = old.content_hash);
  END;
  `,
  'ALTER TABLE reembedding ADD COLUMN progress TEXT;',
];

/** 'RefK': marks the file as ours, so that somebody else's SQLite database is never written to. */
const APPLICATION_ID = 0x5265664b;

/**
 * Brings the file to the current schema; safe to run in several processes at once. A file without any table is made
 * a store only where `mayCreate` says so.
 * @throws ReferentError `store-invalid` where the file is none of ours.
 */
export function migrate(connection: SqliteConnection, mayCreate: boolean): void {
  if (appliedMigrations(connection) === MIGRATIONS.length) return;
  connection.transaction(() => {
    const applied = appliedMigrations(connection);
    if (applied === 0 && !mayCreate) throw emptied(connection.file);
    if (applied === 0) createMigrationTable(connection);
    MIGRATIONS.slice(applied).forEach((sql, index) => {
      connection.exec(sql);
      connection.run(
        "INSERT INTO migration VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
        applied + index + 1,
      );
    });
  });
}

function createMigrationTable(connection: SqliteConnection): void {
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  connection.exec('CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)');
}

function appliedMigrations(connection: SqliteConnection): number {
  if (isEmpty(connection)) return 0;
  if (connection.value('PRAGMA application_id') !== APPLICATION_ID) {
    throw new ReferentError(
      'store-invalid',
      `${connection.file} is a SQLite database of something else; move it away or choose another data directory`,
    );
  }
  const applied = Number(connection.value('SELECT max(version) FROM migration'));
  if (applied > MIGRATIONS.length) {
    throw new ReferentError(
      'store-invalid',
      `${connection.file} has schema ${applied}, this release knows up to ${MIGRATIONS.length}; use a newer release of Referent`,
    );
  }
  return applied;
}

function emptied(file: string): ReferentError {
  return new ReferentError(
    'store-invalid',
    `damaged store: ${file} is empty, though index snapshots lie beside it; restore it from a copy, or remove its folder and import again`,
  );
}

function isEmpty(connection: SqliteConnection): boolean {
  return connection.value('SELECT count(*) FROM sqlite_schema') === 0;
}

/** In a file of its own beside the store: it needs no durability, and throwing it away is deleting it. */
export const STAGING_SCHEMA = `
  CREATE TABLE staging.entity (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    position INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('added', 'changed', 'unchanged')),
    record TEXT,
    content_hash BLOB NOT NULL,
    names TEXT,
    weights TEXT,
    rank INTEGER NOT NULL,
    title TEXT,
    aliases TEXT,
    description TEXT
  );
`;
