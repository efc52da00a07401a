/**
 * For reembed-kill.test.ts: says `ready`, waits for a line, re-embeds a KB in this process, says every new phase, and
 * `done` at the end. Notes every call of the encoder in a file before it is made. Arguments: the KB's name, the data
 * directory, the directory of models, the model's name, the file.
 */
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { embeddingHandlers } from '../../dist/libs/jobs/handlers/embedding-handlers.js';
import { concurrencyOf } from '../../dist/libs/jobs/open-work.js';
import { Reembedder } from '../../dist/libs/jobs/reembedder.js';
import { SqliteCatalog } from '../../dist/libs/kb/sqlite-catalog.js';
import { SqliteModelTable } from '../../dist/libs/kb/sqlite-models.js';
import { LinkingModel } from '../../dist/libs/model/linking-model.js';
import { ModelPool } from '../../dist/libs/model/model-pool.js';
import { InProcessQueue } from '../../dist/libs/queue/in-process-queue.js';

const [kb, dataDir, modelsDir, model, calls] = process.argv.slice(2);

const encode = LinkingModel.prototype.encodeEntities;
LinkingModel.prototype.encodeEntities = function (entities, lane) {
  appendFileSync(calls, `${JSON.stringify(entities.map(({ title }) => title))}\n`);
  return encode.call(this, entities, lane);
};
let phase = '';
const report = SqliteModelTable.prototype.report;
SqliteModelTable.prototype.report = async function (target, progress) {
  await report.call(this, target, progress);
  if (progress.phase === phase) return;
  console.log((phase = progress.phase));
  // So that a kill can come before what the phase does.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40);
};

const modelDir = fileURLToPath(new URL('../../models/referent-v1', import.meta.url));
const pool = new ModelPool({ modelsDir, modelDir, threads: 1 });
(await pool.acquire((await pool.named(model)).version)).release();
console.log('ready');
await once(process.stdin, 'data');
const log = { info: () => undefined, warn: console.error, error: console.error };
const catalog = new SqliteCatalog({ dataDir });
const handlers = () => embeddingHandlers({ catalog, pool, log });
const queue = new InProcessQueue({ handlers, concurrency: concurrencyOf(1), maxWaiting: 9, log });
const reembedder = new Reembedder({ catalog, pool, queue, log });
let { reembedding } = await reembedder.begin(kb, model);
while (reembedding !== null && reembedding.problem === null) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  await reembedder.tendTo(kb);
  ({ reembedding } = await reembedder.state(kb));
}
console.log(reembedding === null ? 'done' : `stopped: ${reembedding.problem}`);
process.exit(0);
