import { breathe } from './settle.js';
import type { SqliteConnection, SqlValue } from './sqlite-driver.js';
import { assertUnchangedSince } from './staged-rows.js';

export interface CommitOptions {
  readonly added: number;
  readonly changed: number;
  /** Reserved for this commit's last change. */
  readonly sequence: number;
  readonly onProgress: (done: number, total: number) => void;
  readonly onVisible: () => Promise<void>;
}

const ENTITIES_A_STEP = 1_000;

/**
 * The last sequence of a run of `changes` that nobody else gets. It is not given back when the import dies, so an
 * index built for it can never pass for one of a later state; it is on disk before that index is.
 */
export function reserveSequences(connection: SqliteConnection, changes: number): number {
  return durably(connection, () =>
    connection.transaction(() => {
      if (changes === 0) return sequenceOf(connection);
      const last = lastGiven(connection) + changes;
      connection.run('UPDATE kb SET reserved_sequence = ?', last);
      return last;
    }),
  );
}

export function sequenceOf(connection: SqliteConnection): number {
  return Number(connection.value('SELECT sequence FROM kb'));
}

/** The last sequence that was given out; what a dead import reserved is passed over. */
export function lastGiven(connection: SqliteConnection): number {
  return Number(connection.value('SELECT max(sequence, reserved_sequence) FROM kb'));
}

/** Commits made meanwhile survive a power cut, not only a kill. */
export function durably<T>(connection: SqliteConnection, work: () => T): T {
  connection.exec('PRAGMA synchronous = FULL');
  try {
    return work();
  } finally {
    connection.exec('PRAGMA synchronous = NORMAL');
  }
}

/**
 * Makes the staged rows visible in one transaction, in steps of a few milliseconds so that the process stays
 * responsive; readers keep the old state until its end. Durable when it returns.
 */
export async function commitStaged(
  connection: SqliteConnection,
  options: CommitOptions,
): Promise<void> {
  if (options.added + options.changed === 0) {
    await options.onVisible();
    return;
  }
  connection.exec('PRAGMA synchronous = FULL');
  connection.exec('BEGIN IMMEDIATE');
  try {
    await moveStaged(connection, options);
    connection.exec('COMMIT');
  } catch (error) {
    connection.rollback();
    throw error;
  } finally {
    connection.exec('PRAGMA synchronous = NORMAL');
  }
  await options.onVisible();
  connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

async function moveStaged(
  connection: SqliteConnection,
  options: CommitOptions,
): Promise<void> {
  const first = options.sequence - options.added - options.changed;
  assertUnchangedSince(sequenceOf(connection), first);
  const moreNames = await moveEntities(connection, options, first);
  connection.run(
    `UPDATE kb SET sequence = ?, entities = entities + ?, names = names + ?,
       updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`,
    options.sequence,
    options.added,
    moreNames,
  );
  countFrequentTerms(connection);
}

/** Returns by how many the names became more. */
async function moveEntities(
  connection: SqliteConnection,
  options: CommitOptions,
  first: number,
): Promise<number> {
  const total = options.added + options.changed;
  let moreNames = 0;
  let done = 0;
  let last = 0;
  for (;;) {
    const end = connection.value(STEP_END, last, ENTITIES_A_STEP);
    if (typeof end !== 'number') return moreNames;
    if (options.changed > 0) moreNames -= removeOld(connection, [last, end]);
    done += insertNew(connection, [last, end], first + done);
    moreNames += insertNames(connection, [last, end]);
    options.onProgress(done, total);
    last = end;
    await breathe();
  }
}

const STEP_END = `SELECT max(key) FROM (
  SELECT key FROM staging.entity WHERE key > ? AND state <> 'unchanged' ORDER BY key LIMIT ?)`;

const CHANGED = `SELECT key FROM staging.entity WHERE key > ? AND key <= ? AND state = 'changed'`;

function removeOld(connection: SqliteConnection, range: readonly [SqlValue, SqlValue]): number {
  connection.run(`DELETE FROM main.entity_text WHERE rowid IN (${CHANGED})`, ...range);
  connection.run(`DELETE FROM main.change WHERE key IN (${CHANGED})`, ...range);
  return connection.run(
    `DELETE FROM main.name WHERE (normalised, rank, key) IN (
       SELECT n.value, s.rank + iif(n.key = 0, 0, 4294967296), s.key
       FROM staging.entity AS s JOIN main.entity AS e ON e.key = s.key, json_each(e.names) AS n
       WHERE s.key > ? AND s.key <= ? AND s.state = 'changed')`,
    ...range,
  );
}

/** Returns how many entities it wrote. */
function insertNew(
  connection: SqliteConnection,
  range: readonly [SqlValue, SqlValue],
  sequence: number,
): number {
  const staged = `FROM staging.entity WHERE key > ? AND key <= ? AND state <> 'unchanged'`;
  const written = connection.run(
    `INSERT INTO main.entity (key, id, record, content_hash, names)
       SELECT key, id, record, content_hash, names ${staged}
     ON CONFLICT (key) DO UPDATE SET
       record = excluded.record, content_hash = excluded.content_hash, names = excluded.names`,
    ...range,
  );
  connection.run(
    `INSERT INTO main.entity_text (rowid, title, aliases, description)
       SELECT key, title, aliases, description ${staged} ORDER BY key`,
    ...range,
  );
  connection.run(
    `INSERT INTO main.change (sequence, key, kind)
       SELECT ? + row_number() OVER (ORDER BY key), key, 'upsert' ${staged}`,
    sequence,
    ...range,
  );
  return written;
}

/** Sorted, so that neighbours in the tree are written together. Returns how many names it wrote. */
function insertNames(connection: SqliteConnection, range: readonly [SqlValue, SqlValue]): number {
  return connection.run(
    `INSERT INTO main.name (normalised, rank, key, prior)
       SELECT n.value, s.rank + iif(n.key = 0, 0, 4294967296), s.key, s.weights ->> n.key
       FROM staging.entity AS s, json_each(s.names) AS n
       WHERE s.key > ? AND s.key <= ? AND s.state <> 'unchanged' AND n.value <> ''
       ORDER BY n.value`,
    ...range,
  );
}

/** A word in fewer entities than this is rare enough to be counted when it is asked for. */
const FREQUENT_SHARE = 0.001;
const FREQUENT_AT_LEAST = 50;

/** Recounted where a tenth of the entities changed since the last count; about a microsecond an entity. */
export function countFrequentTerms(connection: SqliteConnection): void {
  const [sequence, countedAt, entities] = (
    connection.rows('SELECT sequence, terms_counted_at, entities FROM kb')[0] ?? []
  ).map(Number);
  if (sequence === undefined || countedAt === undefined || entities === undefined) return;
  if (sequence - countedAt < entities / 10) return;
  connection.run('DELETE FROM frequent_term');
  connection.run(
    'INSERT INTO frequent_term SELECT term, doc FROM entity_term WHERE doc >= ?',
    Math.max(FREQUENT_AT_LEAST, entities * FREQUENT_SHARE),
  );
  connection.run('UPDATE kb SET terms_counted_at = ?', sequence);
}
