import type { Generated, Kysely } from 'kysely';
import type { JobState } from '../contract/batches.js';

/** Rows of the tables below, for Kysely. Times are ISO 8601 in UTC, which sort as texts; JSON is text on every database. */
export interface BatchTables {
  batch: {
    id: string;
    kb: string;
    owner: string | null;
    options: string;
    state: JobState | 'staged' | 'expired';
    problem: string | null;
    total: Generated<number>;
    done: Generated<number>;
    failed: Generated<number>;
    handed_to: Generated<number>;
    versions: string | null;
    created_at: string;
    started_at: string | null;
    finished_at: string | null;
    expires_at: string | null;
    updated_at: string;
    rate_since: string | null;
    rate_from: Generated<number>;
  };
  batch_key: { key: string; batch: string; content_hash: string };
  batch_page: {
    batch: string;
    from_line: number;
    to_line: number;
    is_open: Generated<number>;
    documents: string;
    results: string | null;
    attempts: Generated<number>;
    held_by: string | null;
    held_until: string | null;
  };
}

export type BatchDatabase = Kysely<BatchTables>;

/**
 * Migrations in order; a database has applied the first N. Never edit one that was released: add another.
 *
 * - batch.handed_to: pages that begin before this line were handed out.
 * - batch.state: 'staged' while its documents come in, 'expired' while it is removed; nobody sees either.
 * - batch.rate_since, rate_from: see `Batch`.
 * - batch.owner: id of the API key that made it.
 * - batch_page.documents: emptied when there are results: a text is kept no longer than it is needed.
 * - batch_page.is_open: 1 without results, 0 with.
 */
export const BATCH_MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE batch (
      id TEXT PRIMARY KEY,
      kb TEXT NOT NULL,
      options TEXT NOT NULL,
      state TEXT NOT NULL,
      problem TEXT,
      total INTEGER NOT NULL DEFAULT 0,
      done INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      handed_to INTEGER NOT NULL DEFAULT 0,
      versions TEXT,
      created_at TEXT NOT NULL,
      started_at TEXT,
      finished_at TEXT,
      expires_at TEXT,
      updated_at TEXT NOT NULL,
      rate_since TEXT,
      rate_from INTEGER NOT NULL DEFAULT 0
    )`,
    `CREATE INDEX batch_by_state ON batch (state, created_at)`,
    `CREATE TABLE batch_key (
      key TEXT PRIMARY KEY,
      batch TEXT NOT NULL,
      content_hash TEXT NOT NULL
    )`,
    `CREATE INDEX batch_key_of_batch ON batch_key (batch)`,
    `CREATE TABLE batch_page (
      batch TEXT NOT NULL,
      from_line INTEGER NOT NULL,
      to_line INTEGER NOT NULL,
      is_open INTEGER NOT NULL DEFAULT 1,
      documents TEXT NOT NULL,
      results TEXT,
      attempts INTEGER NOT NULL DEFAULT 0,
      held_by TEXT,
      held_until TEXT,
      PRIMARY KEY (batch, from_line)
    )`,
    `CREATE INDEX batch_page_open ON batch_page (batch, is_open, from_line)`,
  ],
  [`ALTER TABLE batch ADD COLUMN owner TEXT`],
];
