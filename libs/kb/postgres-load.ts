import type { EntityRecord } from '../contract/entity.js';
import { ReferentError } from '../contract/errors.js';
import { namesOf } from './entity-names.js';
import { KbLoad, type DumpedRows, type DumpedState, type DumpTable } from './kb-dump.js';
import type { PgDatabase, PgSession } from './postgres-driver.js';
import { PostgresReader } from './postgres-dump.js';
import { codeOf } from './postgres-errors.js';
import { PostgresKb } from './postgres-kb.js';
import { PostgresImportLock } from './postgres-lock.js';
import { insertNames } from './postgres-rows.js';
import { BULK_INDEXES } from './postgres-schema.js';
import { dropKb, makeKb } from './postgres-schemas.js';
import { countFrequentTerms } from './postgres-terms.js';
import { documentOf, nameHash, toColumn } from './postgres-text.js';
import { searchTextOf } from './search-text.js';

const UNIQUE_VIOLATION = '23505';
const fromHex = (hash: string): Buffer => Buffer.from(hash, 'hex');

/** How the rows of a table are written. */
type Writer<T extends DumpTable> = (
  session: PgSession,
  rows: readonly DumpedRows[T][],
) => Promise<unknown>;

const WRITERS: { readonly [T in DumpTable]: Writer<T> } = {
  entity: writeEntities,
  change: (session, rows) =>
    session.run(
      `INSERT INTO kb_schema.change (sequence, key, kind)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])`,
      rows.map(([sequence]) => sequence),
      rows.map(([, key]) => key),
      rows.map(([, , kind]) => kind),
    ),
  vector: writeVectors,
  learnedDocument: (session, rows) =>
    session.run(
      'INSERT INTO kb_schema.learned_document (hash) SELECT * FROM unnest($1::bytea[])',
      rows.map(([hash]) => fromHex(hash)),
    ),
  learnedName: (session, rows) =>
    session.run(
      `INSERT INTO kb_schema.learned_name (hash, normalised, key, count)
         SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[])`,
      rows.map(([name]) => nameHash(name)),
      rows.map(([name]) => toColumn(name)),
      rows.map(([, key]) => key),
      rows.map(([, , count]) => count),
    ),
  learnedSurface: (session, rows) =>
    session.run(
      `INSERT INTO kb_schema.learned_surface (hash, normalised, seen, marked)
         SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[])`,
      rows.map(([name]) => nameHash(name)),
      rows.map(([name]) => toColumn(name)),
      rows.map(([, seen]) => seen),
      rows.map(([, , marked]) => marked),
    ),
  retiredContent: (session, rows) =>
    session.run(
      'INSERT INTO kb_schema.retired_content (content_hash) SELECT * FROM unnest($1::bytea[])',
      rows.map(([contentHash]) => fromHex(contentHash)),
    ),
};

async function writeEntities(
  session: PgSession,
  rows: readonly DumpedRows['entity'][],
): Promise<void> {
  const entities = rows.map(([key, json, contentHash, names]) => {
    const record = JSON.parse(json) as EntityRecord;
    const document = documentOf(searchTextOf(record, namesOf(record)));
    return { key, json, contentHash, names, id: toColumn(record.id), document };
  });
  const keys = entities.map(({ key }) => key);
  await session.run(
    `INSERT INTO kb_schema.entity (key, id, record, content_hash)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[])`,
    keys,
    entities.map(({ id }) => id),
    entities.map(({ json }) => json),
    entities.map(({ contentHash }) => fromHex(contentHash)),
  );
  await session.run(
    `INSERT INTO kb_schema.entity_text (key, document)
       SELECT key, document::tsvector FROM unnest($1::bigint[], $2::text[]) AS given(key, document)`,
    keys,
    entities.map(({ document }) => document),
  );
  await insertNames(
    session,
    entities.flatMap(({ key, names }) =>
      names.map(([name, rank, prior]) => ({ key, rank, prior, normalised: toColumn(name) })),
    ),
  );
}

async function writeVectors(
  session: PgSession,
  rows: readonly DumpedRows['vector'][],
): Promise<void> {
  await session.run(
    'INSERT INTO kb_schema.model (version) SELECT DISTINCT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING',
    rows.map(([version]) => version),
  );
  await session.run(
    `INSERT INTO kb_schema.vector (model, content_hash, vector)
       SELECT m.id, given.hash, given.vector
       FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS given(version, hash, vector)
       JOIN kb_schema.model AS m ON m.version = given.version`,
    rows.map(([version]) => version),
    rows.map(([, contentHash]) => fromHex(contentHash)),
    rows.map(([, , bytes]) => bytes),
  );
}

/**
 * A KB that is being copied into PostgreSQL. Its row says so until it is whole, and its lock says whether somebody is
 * still at it: what a process that was killed left is removed by the next copy.
 */
export class PostgresLoad extends KbLoad {
  private isPublished = false;

  private constructor(
    private readonly kb: PostgresKb,
    private readonly lock: PostgresImportLock,
  ) {
    super();
  }

  static async begin(database: PgDatabase, name: string): Promise<PostgresLoad> {
    await removeDead(database);
    const identity = await database.transaction((session) => makeKb(session, name, 'copying'));
    const kb = new PostgresKb(identity, database);
    const lock = await PostgresImportLock.await(kb, 0);
    await lock.use((session) => session.run(BULK_INDEXES.drop));
    return new PostgresLoad(kb, lock);
  }

  override async write<T extends DumpTable>(
    table: T,
    rows: readonly DumpedRows[T][],
  ): Promise<void> {
    const writer: Writer<T> = WRITERS[table];
    await this.lock.use((session) => session.transaction(() => writer(session, rows)));
  }

  override complete(state: DumpedState): Promise<void> {
    const { identity } = this.kb;
    return this.lock.use((session) =>
      session.transaction(async () => {
        await session.run(BULK_INDEXES.create);
        await session.run(
          `UPDATE referent.kb SET sequence = $2, entities = $3, names = (SELECT count(*) FROM kb_schema.name),
             updated_at = $4, next_key = $5, reserved_sequence = $6, forgotten_at = $7,
             active_model = $8, previous_model = $9 WHERE id = $1`,
          identity.id,
          ...[state.sequence, state.entities, state.updatedAt, state.nextKey],
          ...[state.reservedSequence, state.forgottenAt, state.activeModel, state.previousModel],
        );
        await writeReembedding(session, state);
        await countFrequentTerms(session, identity);
      }),
    );
  }

  override readBack(): PostgresReader {
    return new PostgresReader(this.kb, (work) => this.lock.use(work));
  }

  override async publish(): Promise<void> {
    const { id, name } = this.kb.identity;
    try {
      await this.lock.use((session) =>
        session.run(`UPDATE referent.kb SET state = 'ready' WHERE id = $1`, id),
      );
    } catch (error) {
      if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
      throw new ReferentError('kb-exists', `there is a knowledge base ${name} in the target already`, {
        cause: error,
      });
    }
    this.isPublished = true;
  }

  override async close(): Promise<void> {
    try {
      if (this.isPublished) return;
      await this.lock.use((session) => session.transaction(() => dropKb(session, this.kb.identity)));
    } finally {
      await this.lock.release();
    }
  }
}

async function writeReembedding(session: PgSession, { reembedding }: DumpedState): Promise<void> {
  if (reembedding === null) return;
  const { target, model, problem, startedAt, progress } = reembedding;
  await session.run(
    'INSERT INTO kb_schema.reembedding VALUES (1, $1, $2, $3, $4, $5)',
    ...[target, model, problem, startedAt, progress && JSON.stringify(progress)],
  );
}

/** Drops the copies that nobody is at any more. */
async function removeDead(database: PgDatabase): Promise<void> {
  const rows = await database.rows(
    `SELECT name, id, number, schema FROM referent.kb WHERE state = 'copying'`,
  );
  for (const [name, id, number, schema] of rows) {
    const identity = {
      ...{ name: String(name), id: String(id), number: Number(number), schema: String(schema) },
    };
    const lock = await PostgresImportLock.tryTake(new PostgresKb(identity, database));
    if (lock === null) continue;
    try {
      await lock.use((session) => session.transaction(() => dropKb(session, identity)));
    } finally {
      await lock.release();
    }
  }
}
