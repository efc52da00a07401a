import { VectorTable, type VectorPage } from './kb-store.js';
import { settle } from './settle.js';
import { blobBytes, type SqliteConnection, type SqlValue } from './sqlite-driver.js';
import type { SqliteTableOptions } from './sqlite-names.js';

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

export class SqliteVectorTable extends VectorTable {
  constructor(private readonly options: SqliteTableOptions) {
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
    return this.options.writer.use((connection) => {
      connection.transaction(() => {
        connection.run('INSERT OR IGNORE INTO model (version) VALUES (?)', modelVersion);
        const model = modelId(connection, modelVersion);
        for (const { contentHash, vector } of rows) {
          connection.run(
            'INSERT OR IGNORE INTO vector (model, content_hash, vector) VALUES (?, ?, ?)',
            model,
            Buffer.from(contentHash, 'hex'),
            new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength),
          );
        }
      });
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
}

/** 0, which no model has, for a version that has no vectors yet. */
function modelId(connection: SqliteConnection, version: string): number {
  return Number(connection.value('SELECT id FROM model WHERE version = ?', version) ?? 0);
}

/** Rows (key, blob of D float32) -> keys [N], vectors [N, D]. */
function pageOf(rows: readonly SqlValue[][]): VectorPage {
  const blobs = rows.map(([, vector]) => blobBytes(vector));
  const bytes = new Uint8Array(blobs.reduce((sum, blob) => sum + blob.byteLength, 0));
  let offset = 0;
  for (const blob of blobs) {
    bytes.set(blob, offset);
    offset += blob.byteLength;
  }
  return { keys: rows.map(([key]) => Number(key)), vectors: new Float32Array(bytes.buffer) };
}
