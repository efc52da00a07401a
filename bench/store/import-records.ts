import type { Embedder } from '../../libs/jobs/embedder.js';
import { readRecords } from '../../libs/jobs/import-reader.js';
import type { ImportSource } from '../../libs/jobs/import-source.js';
import type { KbStore } from '../../libs/kb/kb-store.js';

/** What an import does before its commit besides the index: read, check, hash, stage; with an embedder also encode. */
export async function stageRecords(
  store: KbStore,
  source: ImportSource,
  embedder?: Embedder,
): Promise<void> {
  await store.imports.begin();
  for await (const page of readRecords(source)) {
    const records = page.records.map(({ record }) => record);
    const { contentHashes } = await store.imports.add(records);
    await embedder?.add(records, contentHashes);
  }
  await embedder?.finish();
}
