import { setTimeout as sleep } from 'node:timers/promises';
import { embeddingHandlers } from '../../libs/jobs/handlers/embedding-handlers.js';
import { concurrencyOf } from '../../libs/jobs/open-work.js';
import { Reembedder } from '../../libs/jobs/reembedder.js';
import type { ModelState } from '../../libs/kb/kb-store.js';
import { SqliteCatalog } from '../../libs/kb/sqlite-catalog.js';
import { OpenKbs } from '../../libs/linking/open-kbs.js';
import { ModelPool } from '../../libs/model/model-pool.js';
import { InProcessQueue } from '../../libs/queue/in-process-queue.js';
import { MODEL_FOLDER } from './golden.js';

/** What a process without Redis has of the parts that re-embed. */
export class ReembedNode {
  readonly said: string[] = [];
  readonly catalog: SqliteCatalog;
  readonly pool: ModelPool;
  readonly kbs: OpenKbs;
  readonly queue: InProcessQueue;
  readonly reembedder: Reembedder;

  private constructor(dataDir: string, pool: ModelPool, defaultModel: Default) {
    const say = (message: unknown) => this.said.push(String(message));
    const log = { info: say, warn: say, error: say };
    this.catalog = new SqliteCatalog({ dataDir });
    const { catalog } = this;
    const kbs = new OpenKbs({ catalog, pool, defaultModel, log, defaultKb: null });
    const queue = new InProcessQueue({
      handlers: () => embeddingHandlers({ catalog, pool, log }),
      concurrency: concurrencyOf(2),
      maxWaiting: 100,
      log,
    });
    this.pool = pool;
    this.kbs = kbs;
    this.queue = queue;
    this.reembedder = new Reembedder({ catalog, pool, queue, log });
  }

  static async open(dataDir: string, modelsDir: string): Promise<ReembedNode> {
    const pool = new ModelPool({ modelsDir, modelDir: MODEL_FOLDER, threads: 1 });
    return new ReembedNode(dataDir, pool, await pool.byDefault());
  }

  async close(): Promise<void> {
    await this.reembedder.close();
    await this.queue.close();
    await this.kbs.close();
    await this.catalog.close();
    await this.pool.close();
  }

  /** Waits until nothing is under way, or it has stopped. */
  async ended(kb: string, withinMs = 20_000): Promise<ModelState> {
    const end = performance.now() + withinMs;
    for (;;) {
      const state = await this.reembedder.state(kb);
      if (state.reembedding === null || state.reembedding.problem !== null) return state;
      if (performance.now() > end) throw new Error(`not ended: ${JSON.stringify(state)}`);
      await sleep(20);
    }
  }
}

type Default = Awaited<ReturnType<ModelPool['byDefault']>>;
