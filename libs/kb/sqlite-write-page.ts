import type { EntityRecord } from '../contract/entity.js';
import { contentHash } from './content-hash.js';
import { entityRows } from './entity-rows.js';
import { nameRank } from './entity-names.js';
import type { EntityWrite, WriteOutcome, WriteReport } from './kb-store.js';
import { serialise, tagOf } from './record-tag.js';
import { countFrequentTerms, lastGiven, sequenceOf } from './sqlite-commit.js';
import type { SqliteConnection } from './sqlite-driver.js';
import { assertActive, isAsExpected, notEmbedded } from './write-conditions.js';

/** An entity as its row has it. */
interface Present {
  readonly key: number;
  readonly json: string;
  readonly names: string;
}

/** What the page does to the KB's counts. */
interface Totals {
  sequence: number;
  changes: number;
  entities: number;
  names: number;
}

/**
 * Makes the writes of a page in their order, inside the transaction that is open.
 * @throws ReferentError `model-mismatch` where a content has no vector of the model, or another model is active.
 */
export function writePage(
  connection: SqliteConnection,
  writes: readonly EntityWrite[],
  modelVersion: string,
): WriteReport {
  assertActive(connection.value('SELECT active_model FROM kb'), modelVersion);
  const totals = { sequence: lastGiven(connection), changes: 0, entities: 0, names: 0 };
  const page = new PageWriter(connection, modelVersion, totals);
  const outcomes = writes.map((write) => page.write(write));
  if (totals.changes > 0) count(connection, totals);
  return { outcomes, sequence: sequenceOf(connection) };
}

class PageWriter {
  constructor(
    private readonly connection: SqliteConnection,
    private readonly modelVersion: string,
    private readonly totals: Totals,
  ) {}

  write({ id, record, expected }: EntityWrite): WriteOutcome {
    const present = presentIn(this.connection, id);
    const tag = present === null ? null : tagOf(present.json);
    if (!isAsExpected(tag, expected)) return { status: 'stale', tag };
    if (record !== null) return this.put(record, present);
    if (present === null) return { status: 'absent', tag };
    this.remove(id, present);
    return { status: 'deleted', tag: null };
  }

  private put(record: EntityRecord, present: Present | null): WriteOutcome {
    const json = serialise(record);
    const tag = tagOf(json);
    if (present?.json === json) return { status: 'unchanged', tag };
    const hash = contentHash(record);
    assertEmbedded(this.connection, { hash, modelVersion: this.modelVersion, id: record.id });
    const key = present?.key ?? nextKey(this.connection);
    if (present !== null) this.removeDerived(record.id, present);
    this.insert(key, { record, json, hash });
    this.tell(key, 'upsert');
    if (present === null) this.totals.entities++;
    return { status: present === null ? 'created' : 'changed', tag };
  }

  private insert(
    key: number,
    { record, json, hash }: { record: EntityRecord; json: string; hash: string },
  ): void {
    const { connection } = this;
    const { names, weights, rank, text } = entityRows(record);
    const listed = JSON.stringify(names);
    connection.run(INSERT_ENTITY, key, record.id, json, Buffer.from(hash, 'hex'), listed);
    connection.run(INSERT_TEXT, key, text.title, text.aliases, text.description);
    this.totals.names += connection.run(
      INSERT_NAMES,
      rank,
      key,
      JSON.stringify(weights),
      listed,
    );
  }

  private remove(id: string, present: Present): void {
    this.removeDerived(id, present);
    this.connection.run('DELETE FROM entity WHERE key = ?', present.key);
    this.tell(present.key, 'delete');
    this.totals.entities--;
  }

  private removeDerived(id: string, { key, names }: Present): void {
    this.connection.run('DELETE FROM entity_text WHERE rowid = ?', key);
    this.totals.names -= this.connection.run(DELETE_NAMES, nameRank(id, true), key, names);
  }

  private tell(key: number, kind: 'upsert' | 'delete'): void {
    this.totals.changes++;
    this.totals.sequence++;
    this.connection.run('DELETE FROM change WHERE key = ?', key);
    this.connection.run('INSERT INTO change VALUES (?, ?, ?)', this.totals.sequence, key, kind);
  }
}

const INSERT_ENTITY = `
  INSERT INTO entity (key, id, record, content_hash, names) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET
    record = excluded.record, content_hash = excluded.content_hash, names = excluded.names`;

const INSERT_TEXT =
  'INSERT INTO entity_text (rowid, title, aliases, description) VALUES (?, ?, ?, ?)';

const INSERT_NAMES = `
  INSERT INTO name (normalised, rank, key, prior)
    SELECT n.value, ?1 + iif(n.key = 0, 0, 4294967296), ?2, ?3 ->> n.key
    FROM json_each(?4) AS n WHERE n.value <> ''`;

const DELETE_NAMES = `
  DELETE FROM name WHERE (normalised, rank, key) IN (
    SELECT n.value, ?1 + iif(n.key = 0, 0, 4294967296), ?2 FROM json_each(?3) AS n)`;

function presentIn(connection: SqliteConnection, id: string): Present | null {
  const [row] = connection.rows('SELECT key, record, names FROM entity WHERE id = ?', id);
  if (row === undefined) return null;
  const [key, json, names] = row;
  return { key: Number(key), json: String(json), names: String(names) };
}

function nextKey(connection: SqliteConnection): number {
  connection.run('UPDATE kb SET next_key = next_key + 1');
  return Number(connection.value('SELECT next_key FROM kb')) - 1;
}

function count(connection: SqliteConnection, { sequence, entities, names }: Totals): void {
  connection.run(
    `UPDATE kb SET sequence = ?, entities = entities + ?, names = names + ?,
       updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`,
    sequence,
    entities,
    names,
  );
  countFrequentTerms(connection);
}

function assertEmbedded(
  connection: SqliteConnection,
  { hash, modelVersion, id }: { hash: string; modelVersion: string; id: string },
): void {
  const found = connection.value(HAS_VECTOR, modelVersion, Buffer.from(hash, 'hex'));
  if (found === undefined) throw notEmbedded(id, modelVersion);
}

const HAS_VECTOR = `
  SELECT 1 FROM model AS m JOIN vector AS v ON v.model = m.id
  WHERE m.version = ? AND v.content_hash = ?`;
