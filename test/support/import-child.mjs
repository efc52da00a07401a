/**
 * For import-kill.test.ts: loads the shipped model, says `ready`, waits for a line, imports a file, says every new
 * phase, and the report at the end. Arguments: the KB's name, the data directory, the file.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { importEntities } from '../../dist/libs/jobs/import-entities.js';
import { fileSource } from '../../dist/libs/jobs/import-source.js';
import { SqliteCatalog } from '../../dist/libs/kb/sqlite-catalog.js';
import { LinkingModel } from '../../dist/libs/model/linking-model.js';

const [kb, dataDir, file] = process.argv.slice(2);
const model = await LinkingModel.load(
  fileURLToPath(new URL('../../models/referent-v1', import.meta.url)),
);
console.log('ready');
await once(process.stdin, 'data');
const catalog = new SqliteCatalog({ dataDir });
const store = await catalog.openOrCreate(kb);
let phase = '';
const onProgress = (progress) => {
  if (progress.phase !== phase) console.log((phase = progress.phase));
};
const sources = [await fileSource(file)];
const derivedFolder = catalog.derivedFolder(kb);
const report = await importEntities({ store, model, derivedFolder, sources, onProgress });
console.log(JSON.stringify(report));
process.exit(0);
