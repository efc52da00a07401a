import { importEntities } from '../../libs/jobs/import-entities.js';
import { fileSource } from '../../libs/jobs/import-source.js';
import { SqliteCatalog } from '../../libs/kb/sqlite-catalog.js';
import { LinkingModel } from '../../libs/model/linking-model.js';

export const MODEL_FOLDER = 'models/referent-v1';
export const DEMO_FILE = 'kb/demo/entities.jsonl';

/** Imports the demo KB as `referent import` does. */
export async function importDemo(catalog: SqliteCatalog, model: LinkingModel): Promise<void> {
  await importEntities({
    store: await catalog.openOrCreate('demo'),
    model,
    derivedFolder: catalog.derivedFolder('demo'),
    sources: [await fileSource(DEMO_FILE)],
    strict: true,
  });
}

/** The same into a data folder. */
export async function importDemoInto(dataDir: string): Promise<void> {
  const catalog = new SqliteCatalog({ dataDir });
  const model = await LinkingModel.load(MODEL_FOLDER);
  await importDemo(catalog, model);
  await model.close();
  await catalog.close();
}
