import { VectorTable, type KeyPage, type VectorPage } from './kb-store.js';
import type { PgRow } from './postgres-driver.js';
import type { PostgresKb } from './postgres-kb.js';
import { PostgresImportLock } from './postgres-lock.js';
import { vectorBytes, vectorPage } from './vector-rows.js';

const PAGE = 1_000;
/** Rows of one step of a deletion. */
const DELETED_A_STEP = 10_000;

const MODEL = '(SELECT id FROM kb_schema.model WHERE version = $1)';

const VISIBLE = `
  SELECT e.key, v.vector FROM kb_schema.entity AS e
  JOIN kb_schema.vector AS v ON v.model = ${MODEL} AND v.content_hash = e.content_hash
  WHERE e.key > $2 ORDER BY e.key LIMIT $3`;

/** The entities as they will be once the import commits; both sides come in key order. */
const COMING = `
  SELECT e.key, v.vector FROM (
    SELECT key, content_hash FROM kb_schema.entity AS old
      WHERE key > $2 AND NOT EXISTS (
        SELECT 1 FROM kb_schema.staging AS s WHERE s.key = old.key AND s.state = 'changed')
    UNION ALL
    SELECT key, content_hash FROM kb_schema.staging WHERE key > $2 AND state <> 'unchanged'
  ) AS e
  JOIN kb_schema.vector AS v ON v.model = ${MODEL} AND v.content_hash = e.content_hash
  ORDER BY e.key LIMIT $3`;

/** Some of the contents that an entity had once: those that none has any more go, and all of them are looked at. */
const DROP_RETIRED = `
  WITH looked AS (
    DELETE FROM kb_schema.retired_content WHERE content_hash = ANY(ARRAY(
      SELECT content_hash FROM kb_schema.retired_content LIMIT 500)) RETURNING content_hash),
  unused AS (
    SELECT content_hash FROM looked AS l WHERE NOT EXISTS (
      SELECT 1 FROM kb_schema.entity AS e WHERE e.content_hash = l.content_hash)),
  gone AS (
    DELETE FROM kb_schema.vector WHERE model = ANY(ARRAY(SELECT id FROM kb_schema.model))
      AND content_hash IN (SELECT content_hash FROM unused))
  SELECT (SELECT count(*) FROM looked), (SELECT count(*) FROM unused)`;

export interface PostgresTableOptions {
  readonly kb: PostgresKb;
  /** Whether an import of this process is open; what it has staged can be read then. */
  readonly isStaged: () => Promise<boolean>;
}

export class PostgresVectorTable extends VectorTable {
  constructor(private readonly options: PostgresTableOptions) {
    super();
  }

  override async missing(
    modelVersion: string,
    hashes: readonly string[],
  ): Promise<ReadonlySet<string>> {
    const asked = [...new Set(hashes)];
    const rows = await this.options.kb.rows(
      `SELECT encode(v.content_hash, 'hex') FROM kb_schema.vector AS v
       WHERE v.model = ${MODEL} AND v.content_hash = ANY($2::bytea[])`,
      modelVersion,
      asked.map(fromHex),
    );
    const there = new Set(rows.map(([hash]) => String(hash)));
    return new Set(asked.filter((hash) => !there.has(hash)));
  }

  override async put(
    modelVersion: string,
    rows: readonly { contentHash: string; vector: Float32Array }[],
  ): Promise<void> {
    // In one order, so that two that put the same vectors do not wait for each other.
    const sorted = rows.toSorted((a, b) => (a.contentHash < b.contentHash ? -1 : 1));
    await this.options.kb.transaction(async (session) => {
      const insert = 'INSERT INTO kb_schema.model (version) VALUES ($1) ON CONFLICT DO NOTHING';
      await session.run(insert, modelVersion);
      await session.run(
        `INSERT INTO kb_schema.vector (model, content_hash, vector)
           SELECT ${MODEL}, hash, vector FROM unnest($2::bytea[], $3::bytea[]) AS given(hash, vector)
         ON CONFLICT DO NOTHING`,
        modelVersion,
        sorted.map(({ contentHash }) => fromHex(contentHash)),
        sorted.map(({ vector }) => vectorBytes(vector)),
      );
    });
  }

  override async ofKeys(modelVersion: string, keys: readonly number[]): Promise<VectorPage> {
    const rows = await this.options.kb.rows(
      `SELECT e.key, v.vector FROM kb_schema.entity AS e
       JOIN kb_schema.vector AS v ON v.model = ${MODEL} AND v.content_hash = e.content_hash
       WHERE e.key = ANY($2::bigint[]) ORDER BY e.key`,
      modelVersion,
      keys,
    );
    return pageOf(rows);
  }

  override async *scan(
    modelVersion: string,
    options: { withStaged: boolean },
  ): AsyncIterable<VectorPage> {
    const query = options.withStaged && (await this.options.isStaged()) ? COMING : VISIBLE;
    for (let last = 0; ;) {
      const page = pageOf(await this.options.kb.rows(query, modelVersion, last, PAGE));
      if (page.keys.length > 0) yield page;
      if (page.keys.length < PAGE) return;
      last = page.keys.at(-1) ?? last;
    }
  }

  override async entitiesWithout(
    modelVersion: string,
    { afterKey, throughKey = Number.MAX_SAFE_INTEGER, limit }: KeyPage,
  ): Promise<readonly number[]> {
    const rows = await this.options.kb.rows(
      `SELECT e.key FROM kb_schema.entity AS e WHERE e.key > $2 AND e.key <= $4 AND NOT EXISTS (
         SELECT 1 FROM kb_schema.vector AS v
         WHERE v.model = ${MODEL} AND v.content_hash = e.content_hash)
       ORDER BY e.key LIMIT $3`,
      modelVersion,
      afterKey,
      limit,
      throughKey,
    );
    return rows.map(([key]) => Number(key));
  }

  override async models(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.options.kb.rows(
      `SELECT m.version, count(*) FROM kb_schema.model AS m
       JOIN kb_schema.vector AS v ON v.model = m.id GROUP BY m.id`,
    );
    return new Map(rows.map(([version, count]) => [String(version), Number(count)]));
  }

  /** In steps, so that none holds its locks for long. */
  override async keepOnly(modelVersions: readonly string[]): Promise<void> {
    const deleteSome = () =>
      this.options.kb.run(
        `DELETE FROM kb_schema.vector WHERE ctid = ANY(ARRAY(
           SELECT v.ctid FROM kb_schema.model AS m JOIN kb_schema.vector AS v ON v.model = m.id
           WHERE m.version <> ALL($1::text[]) LIMIT ${DELETED_A_STEP}))`,
        modelVersions,
      );
    while ((await deleteSome()) > 0);
  }

  /** Under the KB's row, so that no writer takes a content up again between the look and the deletion. */
  override async dropRetired(): Promise<number> {
    const { kb } = this.options;
    const lock = await PostgresImportLock.tryTake(kb);
    if (lock === null) return 0;
    try {
      let dropped = 0;
      for (;;) {
        const step = await lock.use((session) =>
          session.transaction(async () => {
            await session.lockedState();
            return (await session.rows(DROP_RETIRED))[0]?.map(Number) ?? [];
          }),
        );
        const [looked = 0, gone = 0] = step;
        dropped += gone;
        if (looked === 0) return dropped;
      }
    } finally {
      await lock.release();
    }
  }
}

const fromHex = (hash: string): Buffer => Buffer.from(hash, 'hex');

/** Rows (key, bytes of D float32). */
function pageOf(rows: readonly PgRow[]): VectorPage {
  return vectorPage(rows.map(([key]) => Number(key)), rows.map(([, vector]) => vector as Uint8Array)); // prettier-ignore
}
