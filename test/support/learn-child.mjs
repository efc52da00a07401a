/**
 * For learn-kill.test.ts: says `ready`, waits for a line, learns a file, says how many texts it has learned after every
 * page, and the report at the end. Arguments: the KB's name, the data directory, the file.
 */
import { once } from 'node:events';
import { fileSource } from '../../dist/libs/jobs/import-source.js';
import { learnDocuments } from '../../dist/libs/jobs/learn-documents.js';
import { SqliteCatalog } from '../../dist/libs/kb/sqlite-catalog.js';

const [kb, dataDir, file] = process.argv.slice(2);
const catalog = new SqliteCatalog({ dataDir });
const store = await catalog.open(kb);
console.log('ready');
await once(process.stdin, 'data');
const report = await learnDocuments({
  store,
  derivedFolder: catalog.derivedFolder(kb),
  sources: [await fileSource(file)],
  partial: false,
  onProgress: ({ done }) => console.log(String(done)),
});
console.log(JSON.stringify(report));
process.exit(0);
