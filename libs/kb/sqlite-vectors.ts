import { ImportLock } from './import-lock.js';
import { VectorTable, type KeyPage, type VectorPage } from './kb-store.js';
import { breathe, settle } from './settle.js';
import { blobBytes, type SqliteConnection, type SqlValue } from './sqlite-driver.js';
import type { SqliteTableOptions } from './sqlite-names.js';
import { dropRetired } from './sqlite-retired.js';
import { vectorBytes, vectorPage } from './vector-rows.js';

const PAGE = 1_000;

const VISIBLE = `
  SELECT e.key, v.vector FROM entity AS e
  JOIN vector AS v ON v.content_hash = e.content_hash AND v.model = ?1
  WHERE e.key > ?2 ORDER BY e.key LIMIT ?3`;

/** The entities as they will be once the import commits; both sides come in key order. */
const COMING = `
  SELECT e.key, v.vector FROM (
    SELECT key, content_hash FROM main.entity AS old
      WHERE key > ?2
        AND NOT EXISTS (SELECT 1 FROM staging.entity AS s WHERE s.key = old.key AND s.state = 'changed')
    UNION ALL
    SELECT key, content_hash FROM staging.entity WHERE key > ?2 AND state <> 'unchanged'
    ORDER BY key
  ) AS e
  JOIN main.vector AS v ON v.content_hash = e.content_hash AND v.model = ?1
  ORDER BY e.key LIMIT ?3`;

const WITHOUT = `
  SELECT e.key FROM entity AS e WHERE e.key > ? AND e.key <= ? AND NOT EXISTS (
    SELECT 1 FROM vector AS v WHERE v.model = ? AND v.content_hash = e.content_hash)
  ORDER BY e.key LIMIT ?`;
/** Some milliseconds. */
const KEYS_A_STEP = 5_000;
export interface SqliteVectorOptions extends SqliteTableOptions {
  readonly folder: string;
}

export class SqliteVectorTable extends VectorTable {
  constructor(private readonly options: SqliteVectorOptions) {
    super();
  }

  override missing(modelVersion: string, hashes: readonly string[]): Promise<ReadonlySet<string>> {
    return settle(() => {
      const rows = this.options.reader.rows(
        `SELECT DISTINCT asked.value FROM json_each(?) AS asked WHERE NOT EXISTS (
           SELECT 1 FROM vector WHERE model = ? AND content_hash = unhex(asked.value))`,
        JSON.stringify(hashes),
        modelId(this.options.reader, modelVersion),
      );
      return new Set(rows.map(([hash]) => String(hash)));
    });
  }

  override put(
    modelVersion: string,
    rows: readonly { contentHash: string; vector: Float32Array }[],
  ): Promise<void> {
    return this.options.writer.transaction((connection) => {
      connection.run('INSERT OR IGNORE INTO model (version) VALUES (?)', modelVersion);
      const model = modelId(connection, modelVersion);
      for (const { contentHash, vector } of rows) {
        connection.run(
          'INSERT OR IGNORE INTO vector (model, content_hash, vector) VALUES (?, ?, ?)',
          model,
          Buffer.from(contentHash, 'hex'),
          vectorBytes(vector),
        );
      }
    });
  }

  override ofKeys(modelVersion: string, keys: readonly number[]): Promise<VectorPage> {
    return settle(() => {
      const { reader } = this.options;
      const rows = reader.rows(
        `SELECT e.key, v.vector FROM entity AS e
         JOIN vector AS v ON v.content_hash = e.content_hash AND v.model = ?
         WHERE e.key IN (SELECT value FROM json_each(?)) ORDER BY e.key`,
        modelId(reader, modelVersion),
        JSON.stringify(keys),
      );
      return pageOf(rows);
    });
  }

  override async *scan(
    modelVersion: string,
    options: { withStaged: boolean },
  ): AsyncIterable<VectorPage> {
    const { writer, reader } = this.options;
    const staged = options.withStaged && writer.isStaging;
    let last = 0;
    for (;;) {
      const run = (connection: SqliteConnection) =>
        connection.rows(
          staged ? COMING : VISIBLE,
          modelId(connection, modelVersion),
          last,
          PAGE,
        );
      const page = pageOf(await (staged ? writer.use(run) : settle(() => run(reader))));
      if (page.keys.length > 0) yield page;
      if (page.keys.length < PAGE) return;
      last = page.keys.at(-1) ?? last;
    }
  }

  /** Where most have one, all are looked at: in steps, as a million at once would hold everybody up. */
  override async entitiesWithout(
    modelVersion: string,
    { afterKey, throughKey = Number.MAX_SAFE_INTEGER, limit }: KeyPage,
  ): Promise<readonly number[]> {
    const { reader } = this.options;
    const end = Math.min(throughKey, Number(reader.value('SELECT max(key) FROM entity') ?? 0));
    const keys: number[] = [];
    for (let from = afterKey; from < end && keys.length < limit; from += KEYS_A_STEP) {
      const to = Math.min(from + KEYS_A_STEP, end);
      const model = modelId(reader, modelVersion);
      const rows = reader.rows(WITHOUT, from, to, model, limit - keys.length);
      for (const [key] of rows) keys.push(Number(key));
      await breathe();
    }
    return keys;
  }

  override models(): Promise<ReadonlyMap<string, number>> {
    return settle(() => {
      const rows = this.options.reader.rows(
        'SELECT m.version, count(*) FROM model AS m JOIN vector AS v ON v.model = m.id GROUP BY m.id',
      );
      return new Map(rows.map(([version, count]) => [String(version), Number(count)]));
    });
  }

  /** In steps of some milliseconds: a million rows at once would hold everybody up. */
  override async keepOnly(modelVersions: readonly string[]): Promise<void> {
    const kept = JSON.stringify(modelVersions);
    const deleteSome = (connection: SqliteConnection) =>
      connection.run(
        `DELETE FROM vector WHERE id IN (
           SELECT v.id FROM model AS m JOIN vector AS v ON v.model = m.id
           WHERE m.version NOT IN (SELECT value FROM json_each(?)) LIMIT ${PAGE})`,
        kept,
      );
    while ((await this.options.writer.transaction(deleteSome)) > 0) await breathe();
  }

  override async dropRetired(): Promise<number> {
    const { folder, reader, writer } = this.options;
    const lock = ImportLock.tryTake(folder);
    if (lock === null) return 0;
    try {
      return await dropRetired(reader, writer);
    } finally {
      lock.release();
    }
  }
}

/** 0, which no model has, for a version that has no vectors yet. */
function modelId(connection: SqliteConnection, version: string): number {
  return Number(connection.value('SELECT id FROM model WHERE version = ?', version) ?? 0);
}

/** Rows (key, blob of D float32). */
function pageOf(rows: readonly SqlValue[][]): VectorPage {
  return vectorPage(rows.map(([key]) => Number(key)), rows.map(([, vector]) => blobBytes(vector))); // prettier-ignore
}
