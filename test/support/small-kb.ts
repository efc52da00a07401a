import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntityRecord } from '../../libs/contract/entity.js';
import type { KbStore } from '../../libs/kb/kb-store.js';
import { SqliteCatalog } from '../../libs/kb/sqlite-catalog.js';
import { entityText } from '../../libs/linking/records.js';
import type { LinkingModel } from '../../libs/model/linking-model.js';

/** A catalog of SQLite stores in a folder of its own, gone after `remove`. */
export interface TemporaryCatalog {
  readonly catalog: SqliteCatalog;
  readonly dataDir: string;
  remove(): Promise<void>;
}

export async function temporaryCatalog(): Promise<TemporaryCatalog> {
  const dataDir = await mkdtemp(join(tmpdir(), 'referent-test-'));
  const catalog = new SqliteCatalog({ dataDir });
  const remove = async () => {
    await catalog.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { catalog, dataDir, remove };
}

/** Stages, embeds and commits a few records; gives the sequence reached. */
export async function addEntities(
  store: KbStore,
  model: LinkingModel,
  records: readonly EntityRecord[],
): Promise<number> {
  await store.imports.begin();
  const { contentHashes } = await store.imports.add(records);
  const vectors = await model.encodeEntities(records.map(entityText));
  const { dimensions, version } = model.manifest;
  const rows = contentHashes.map((contentHash, row) => ({
    contentHash,
    vector: vectors.slice(row * dimensions, (row + 1) * dimensions),
  }));
  await store.vectors.put(version, rows);
  const { sequence } = await store.imports.commit();
  return sequence;
}
