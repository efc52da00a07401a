/**
 * For compaction-kill.test.ts: says `ready`, waits for a line, compacts the KB's changes into a snapshot and says what
 * came of it. Arguments: the KB's name, the data directory, the model's version and dimensions.
 */
import { once } from 'node:events';
import { SqliteCatalog } from '../../dist/libs/kb/sqlite-catalog.js';
import { compact } from '../../dist/libs/linking/snapshots.js';

const [kb, dataDir, version, dimensions] = process.argv.slice(2);
const catalog = new SqliteCatalog({ dataDir });
const store = await catalog.open(kb);
console.log('ready');
await once(process.stdin, 'data');
const { sequence } = await store.info();
const made = await compact({
  store,
  model: { version, dimensions: Number(dimensions) },
  folder: catalog.derivedFolder(kb),
  after: -1,
  upTo: sequence,
});
console.log(made);
process.exit(0);
