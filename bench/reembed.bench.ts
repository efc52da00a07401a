import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { entityRecord } from '../libs/contract/entity.js';
import { embeddingHandlers } from '../libs/jobs/handlers/embedding-handlers.js';
import { concurrencyOf } from '../libs/jobs/open-work.js';
import { Reembedder } from '../libs/jobs/reembedder.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { entityText } from '../libs/linking/records.js';
import { entityBatches } from '../libs/model/batches.js';
import { EntityLayout } from '../libs/model/layout/entity-layout.js';
import { openModelFolder } from '../libs/model/model-folder.js';
import { ModelPool } from '../libs/model/model-pool.js';
import { InProcessQueue } from '../libs/queue/in-process-queue.js';
import { WordPiece } from '../libs/text/wordpiece.js';
import { addModel } from './support/added-model.js';
import { feedsOf, openSession, sequential } from './support/bare-session.js';
import { DEMO_FILE, importDemo, MODEL_FOLDER } from './support/demo-kb.js';
import { median, millisecondsOf, printFigure, rounded } from './support/figures.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * Entities a second of a re-embedding of the demo KB beside a bare ONNX Runtime session that only encodes them, in the
 * same batches: until every entity has its vector, and in all, with the index, its check and the change of model. Runs
 * alternate; the ratio is the median of theirs.
 *
 *   node dist/bench/reembed.bench.js [--rounds 3]
 */
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' } },
});

async function bareEncoding(folder: string): Promise<{ run: () => Promise<void>; count: number }> {
  const { manifest, vocabulary, paths } = await openModelFolder(folder);
  const lines = (await readFile(DEMO_FILE, 'utf8')).trim().split('\n');
  const layout = new EntityLayout(new WordPiece(vocabulary), manifest.limits, manifest.ids);
  const texts = lines.map((line) => entityText(entityRecord.parse(JSON.parse(line))));
  const feeds = [...entityBatches(texts, layout, manifest)].map(({ batch }) => feedsOf(batch));
  return { run: sequential(await openSession(paths.trunk), feeds), count: lines.length };
}

const SECOND_MODEL = 'second';

interface Times {
  readonly embedMs: number;
  readonly allMs: number;
}

/** A process without Redis that re-embeds. */
class Bench {
  readonly catalog: SqliteCatalog;
  readonly pool: ModelPool;
  private readonly reembedder: Reembedder;
  private readonly queue: InProcessQueue;

  constructor(dataDir: string, modelsDir: string) {
    const { catalog, pool } = {
      catalog: new SqliteCatalog({ dataDir }),
      pool: new ModelPool({ modelsDir, modelDir: MODEL_FOLDER, threads: availableParallelism() }),
    };
    const log = { info: () => 0, warn: console.error, error: console.error };
    const handlers = () => embeddingHandlers({ catalog, pool, log });
    this.queue = new InProcessQueue({
      ...{ handlers, concurrency: concurrencyOf(4), maxWaiting: 100, log },
    });
    this.catalog = catalog;
    this.pool = pool;
    this.reembedder = new Reembedder({ catalog, pool, queue: this.queue, log });
  }

  /** From nothing, and back to the model before, without its new vectors. */
  async run(): Promise<Times> {
    const store = await this.catalog.open('demo');
    const began = performance.now();
    let embedMs = 0;
    await this.reembedder.begin('demo', SECOND_MODEL);
    for (;;) {
      const { reembedding } = await store.models.state();
      const phase = reembedding?.progress?.phase;
      if (embedMs === 0 && phase !== undefined && phase !== 'embed') {
        embedMs = performance.now() - began;
      }
      if (reembedding === null) break;
      if (reembedding.problem !== null) throw new Error(reembedding.problem);
      await sleep(5);
    }
    const allMs = performance.now() - began;
    await this.reembedder.rollBack('demo');
    while ((await store.models.state()).reembedding !== null) await sleep(20);
    const { version } = await this.pool.byDefault();
    await store.vectors.keepOnly([version]);
    return { embedMs, allMs };
  }

  async close(): Promise<void> {
    await this.reembedder.close();
    await this.queue.close();
    await this.catalog.close();
    await this.pool.close();
  }
}

async function main(folder: string): Promise<void> {
  const modelsDir = join(folder, 'models');
  await addModel(modelsDir, SECOND_MODEL, 300);
  const bench = new Bench(join(folder, 'data'), modelsDir);
  const { model, release } = await bench.pool.acquire((await bench.pool.byDefault()).version);
  await importDemo(bench.catalog, model);
  release();
  const bare = await bareEncoding(join(modelsDir, SECOND_MODEL));
  await bare.run();
  await bench.run();
  const rounds: (Times & { bareMs: number })[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    const times = await bench.run();
    rounds.push({ ...times, bareMs: await millisecondsOf(bare.run) });
  }
  const perSecond = (of: (times: (typeof rounds)[number]) => number) =>
    rounded((bare.count * 1_000) / median(rounds.map(of)), 1);
  printFigure('reembed', 'entities re-embedded', {
    perSecond: perSecond(({ embedMs }) => embedMs),
    inAllPerSecond: perSecond(({ allMs }) => allMs),
    barePerSecond: perSecond(({ bareMs }) => bareMs),
    ratio: rounded(median(rounds.map(({ bareMs, embedMs }) => bareMs / embedMs))),
    goal: 0.9,
    items: bare.count,
    rounds: rounds.length,
    cores: availableParallelism(),
  });
  await bench.close();
}

await withTemporaryFolder(main);
