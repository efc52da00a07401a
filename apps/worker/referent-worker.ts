import type { Settings } from '../../libs/config/settings.js';
import { ReferentError } from '../../libs/contract/errors.js';
import type { QueueName } from '../../libs/contract/jobs.js';
import { handlersOf } from '../../libs/jobs/handlers/handlers.js';
import {
  backgroundOf,
  batchSettings,
  closeWork,
  concurrencyOf,
  openKbs,
  type Background,
} from '../../libs/jobs/open-work.js';
import type { BatchStore } from '../../libs/kb/batch-store.js';
import type { KbCatalog } from '../../libs/kb/kb-store.js';
import { openCatalog } from '../../libs/kb/open-catalog.js';
import { openBatchStore } from '../../libs/kb/sql-batch-store.js';
import type { KbLog, OpenKbs } from '../../libs/linking/open-kbs.js';
import { ModelPool } from '../../libs/model/model-pool.js';
import { BullQueue } from '../../libs/queue/bull-queue.js';
import { BullWorkers } from '../../libs/queue/bull-workers.js';
import type { QueueLog } from '../../libs/queue/queue-log.js';
import { chosenQueues } from '../../libs/queue/registration.js';
import type { WorkQueue } from '../../libs/queue/work-queue.js';

export interface WorkerChoice {
  /** Default: all that there are handlers for. */
  readonly queues?: readonly string[] | undefined;
  /** Jobs of one queue at a time; default: that of the settings. */
  readonly concurrency?: number | undefined;
  /** Of a small server of health and figures; none where absent. */
  readonly port?: number | undefined;
}

export type WorkerLog = QueueLog & KbLog;

/** What a worker process holds while it runs; what it must do beside its jobs is registered with the caretaker. */
interface WorkerParts extends Background {
  readonly batches: BatchStore;
  readonly queue: WorkQueue;
  readonly kbs: OpenKbs;
  readonly catalog: KbCatalog;
  readonly log: WorkerLog;
  readonly pool: ModelPool;
}

/** A process that takes jobs. */
export class ReferentWorker {
  private constructor(
    readonly queues: readonly QueueName[],
    readonly concurrency: Readonly<Record<QueueName, number>>,
    private readonly workers: BullWorkers,
    private readonly parts: WorkerParts,
  ) {}

  /**
   * Loads the model and begins to take jobs.
   * @throws ReferentError where the settings name no Redis, a queue cannot be taken, or model or data are not usable.
   */
  static async start(
    settings: Settings,
    choice: WorkerChoice,
    log: WorkerLog,
  ): Promise<ReferentWorker> {
    const redis = { redisUrl: redisUrlOf(settings), prefix: settings.queue.prefix, log };
    const parts = await openParts(settings, redis);
    try {
      const handlers = handlersOf(parts);
      const queues = chosenQueues(choice.queues, handlers);
      const concurrency = concurrencyOf(choice.concurrency ?? settings.queue.concurrency);
      const workers = new BullWorkers({ ...redis, handlers, queues, concurrency });
      parts.kbs.start();
      parts.caretaker.start();
      return new ReferentWorker(queues, concurrency, workers, parts);
    } catch (error) {
      await closeWork(parts);
      throw error;
    }
  }

  /** For whoever watches it. */
  get watched(): Pick<WorkerParts, 'kbs' | 'queue' | 'pool' | 'catalog'> {
    return this.parts;
  }

  /** Takes no more jobs; what runs has so long to finish and is then given back. Frees everything. */
  async close(withinMs: number): Promise<void> {
    await this.workers.close(withinMs);
    await closeWork(this.parts);
  }
}

interface RedisOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly log: WorkerLog;
}

async function openParts(settings: Settings, redis: RedisOptions): Promise<WorkerParts> {
  const { log } = redis;
  const catalog = openCatalog(settings);
  const pool = new ModelPool(settings);
  const kbs = await openKbs({ settings, catalog, pool, log });
  const queue = new BullQueue({ ...redis, maxWaiting: settings.queue.maxWaiting });
  const batches = await openBatchStore(batchSettings(settings));
  const background = backgroundOf({ catalog, pool, queue, batches, log });
  return { ...background, queue, batches, kbs, catalog, pool, log };
}

function redisUrlOf({ redisUrl }: Settings): string {
  if (redisUrl !== null) return redisUrl;
  throw new ReferentError(
    'invalid-input',
    'A worker takes its jobs from Redis, and REDIS_URL is not set: set it as for the API, e.g. REDIS_URL=redis://127.0.0.1:6379. ' +
      'Without Redis the API does all work itself and needs no worker.',
  );
}
