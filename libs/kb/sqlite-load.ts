import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EntityRecord } from '../contract/entity.js';
import { ReferentError } from '../contract/errors.js';
import { isTitleRank, namesOf } from './entity-names.js';
import { FileLock } from './file-lock.js';
import {
  KbLoad,
  type DumpedName,
  type DumpedRows,
  type DumpedState,
  type DumpTable,
} from './kb-dump.js';
import { searchTextOf } from './search-text.js';
import { countFrequentTerms } from './sqlite-commit.js';
import { SqliteConnection } from './sqlite-driver.js';
import { SqliteReader } from './sqlite-dump.js';
import { migrate } from './sqlite-schema.js';
import { SqliteWriter } from './sqlite-writer.js';

/** No KB can be named so: nobody sees the folder. */
const PREFIX = '.copying-';
const LOCK_FILE = 'import.lock';

type RowWriter<T extends DumpTable> = (connection: SqliteConnection, row: DumpedRows[T]) => void;

const WRITERS: { readonly [T in DumpTable]: RowWriter<T> } = {
  entity: writeEntity,
  change: (connection, row) => connection.run('INSERT INTO change VALUES (?, ?, ?)', ...row),
  vector: (connection, [version, contentHash, bytes]) => {
    connection.run('INSERT OR IGNORE INTO model (version) VALUES (?)', version);
    connection.run(
      `INSERT INTO vector (model, content_hash, vector)
         VALUES ((SELECT id FROM model WHERE version = ?), ?, ?)`,
      version,
      fromHex(contentHash),
      bytes,
    );
  },
  learnedDocument: (connection, [hash]) =>
    connection.run('INSERT INTO learned_document VALUES (?)', fromHex(hash)),
  learnedName: (connection, row) =>
    connection.run('INSERT INTO learned_name (normalised, key, count) VALUES (?, ?, ?)', ...row),
  learnedSurface: (connection, row) =>
    connection.run('INSERT INTO learned_surface (normalised, seen, marked) VALUES (?, ?, ?)', ...row),
  retiredContent: (connection, [contentHash]) =>
    connection.run('INSERT INTO retired_content VALUES (?)', fromHex(contentHash)),
};

function writeEntity(
  connection: SqliteConnection,
  [key, json, contentHash, names]: DumpedRows['entity'],
): void {
  const record = JSON.parse(json) as EntityRecord;
  const text = searchTextOf(record, namesOf(record));
  connection.run(
    'INSERT INTO entity (key, id, record, content_hash, names) VALUES (?, ?, ?, ?, ?)',
    ...[key, record.id, json, fromHex(contentHash), JSON.stringify(listed(names))],
  );
  connection.run(
    'INSERT INTO entity_text (rowid, title, aliases, description) VALUES (?, ?, ?, ?)',
    ...[key, text.title, text.aliases, text.description],
  );
  for (const [name, rank, prior] of names) {
    const insert = 'INSERT INTO name (normalised, rank, key, prior) VALUES (?, ?, ?, ?)';
    connection.run(insert, name, rank, key, prior);
  }
}

/** As `entity.names` has them: the title's first, '' where it has no normal form. */
function listed(names: readonly DumpedName[]): string[] {
  const title = names.find(([, rank]) => isTitleRank(rank));
  const aliases = names.filter((name) => name !== title);
  return [title?.[0] ?? '', ...aliases.map(([name]) => name)];
}

const fromHex = (hash: string): Buffer => Buffer.from(hash, 'hex');

/**
 * A KB that is being copied into SQLite: in a folder beside those of the KBs, which is renamed when it is whole. The
 * lock in it says whether somebody is still at it: what a process that was killed left is removed by the next copy.
 */
export class SqliteLoad extends KbLoad {
  private readonly writer: SqliteWriter;
  private reading: SqliteConnection | undefined;

  private constructor(
    private readonly root: string,
    private readonly name: string,
    private readonly folder: string,
    private readonly lock: FileLock,
  ) {
    super();
    this.writer = new SqliteWriter({ folder });
  }

  static async begin(root: string, name: string): Promise<SqliteLoad> {
    mkdirSync(root, { recursive: true });
    removeDead(root);
    const folder = join(root, `${PREFIX}${name}-${randomUUID()}`);
    mkdirSync(folder);
    const lock = FileLock.exclusive(join(folder, LOCK_FILE));
    if (lock === null) throw new ReferentError('busy', `${folder} is being removed; try again`);
    const load = new SqliteLoad(root, name, folder, lock);
    await load.writer.use((connection) => {
      migrate(connection, true);
      // Nothing of it counts before the end, which writes it to disk.
      connection.exec('PRAGMA synchronous = OFF');
    });
    return load;
  }

  override write<T extends DumpTable>(table: T, rows: readonly DumpedRows[T][]): Promise<void> {
    const writer: RowWriter<T> = WRITERS[table];
    return this.writer.use((connection) => {
      connection.transaction(() => {
        for (const row of rows) writer(connection, row);
      });
    });
  }

  override complete(state: DumpedState): Promise<void> {
    return this.writer.use((connection) => {
      connection.transaction(() => {
        connection.run(
          `UPDATE kb SET sequence = ?, entities = ?, names = (SELECT count(*) FROM name), updated_at = ?,
             next_key = ?, reserved_sequence = ?, forgotten_at = ?, active_model = ?, previous_model = ?`,
          ...[state.sequence, state.entities, state.updatedAt, state.nextKey],
          ...[state.reservedSequence, state.forgottenAt, state.activeModel, state.previousModel],
        );
        writeReembedding(connection, state);
        countFrequentTerms(connection);
      });
    });
  }

  override readBack(): SqliteReader {
    return new SqliteReader(this.opened());
  }

  override async publish(): Promise<void> {
    this.reading?.close();
    await this.writer.use((connection) => {
      connection.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)');
    });
    this.writer.close();
    syncToDisk(join(this.folder, 'store.sqlite'));
    syncToDisk(this.folder);
    this.lock.release();
    rename(this.folder, join(this.root, this.name), this.name);
    syncToDisk(this.root);
  }

  override close(): Promise<void> {
    this.reading?.close();
    this.writer.close();
    this.lock.release();
    rmSync(this.folder, { recursive: true, force: true });
    return Promise.resolve();
  }

  private opened(): SqliteConnection {
    this.reading ??= SqliteConnection.open(join(this.folder, 'store.sqlite'));
    return this.reading;
  }
}

function writeReembedding(connection: SqliteConnection, { reembedding }: DumpedState): void {
  if (reembedding === null) return;
  const { target, model, problem, startedAt, progress } = reembedding;
  connection.run(
    `INSERT INTO reembedding (one, target, model, problem, started_at, progress)
       VALUES (1, ?, ?, ?, ?, ?)`,
    ...[target, model, problem, startedAt, progress && JSON.stringify(progress)],
  );
}

function syncToDisk(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The system refuses where a folder with anything in it stands there. */
function rename(from: string, to: string, name: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    if (!existsSync(to)) throw cause;
    throw new ReferentError('kb-exists', `there is a knowledge base ${name} in the target already`, {
      cause,
    });
  }
}

/** Removes the copies that nobody is at any more. */
function removeDead(root: string): void {
  for (const name of readdirSync(root).filter((entry) => entry.startsWith(PREFIX))) {
    const lock = FileLock.exclusive(join(root, name, LOCK_FILE));
    if (lock === null) continue;
    lock.release();
    rmSync(join(root, name), { recursive: true, force: true });
  }
}
