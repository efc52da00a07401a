import type { Settings } from '../config/settings.js';
import type { QueueName } from '../contract/jobs.js';
import type { BatchStore } from '../kb/batch-store.js';
import type { KbCatalog } from '../kb/kb-store.js';
import { OpenKbs, type KbLog } from '../linking/open-kbs.js';
import type { BatchStoreSettings } from '../kb/sql-batch-store.js';
import type { Reranker } from '../linking/reranker.js';
import type { ModelPool } from '../model/model-pool.js';
import { BullQueue } from '../queue/bull-queue.js';
import { InProcessQueue } from '../queue/in-process-queue.js';
import type { QueueLog } from '../queue/queue-log.js';
import type { WorkQueue } from '../queue/work-queue.js';
import { careForBatches } from '../batches/batch-care.js';
import { Caretaker } from './caretaker.js';
import { handlersOf } from './handlers/handlers.js';
import { QueueReranker } from './queue-reranker.js';
import { Reembedder } from './reembedder.js';

export interface WorkParts {
  readonly settings: Settings;
  readonly catalog: KbCatalog;
  readonly pool: ModelPool;
  readonly batches: BatchStore;
  readonly log: QueueLog & KbLog;
}

/** What hands work out, and the KBs that it is about. */
export interface Work {
  readonly queue: WorkQueue;
  readonly kbs: OpenKbs;
}

/** With Redis, workers rerank and do the rest; without, the same handlers run here. */
export async function openWork(parts: WorkParts): Promise<Work> {
  const { log, settings } = parts;
  const queue = redisQueue(settings, log);
  if (queue !== null) {
    const reranker = new QueueReranker({ queue, deadlineMs: settings.queue.rerankDeadlineMs, log });
    return { queue, kbs: await openKbs(parts, reranker) };
  }
  const kbs = await openKbs(parts);
  const { maxWaiting } = settings.queue;
  const handlers = (own: WorkQueue) => handlersOf({ ...parts, kbs, queue: own });
  const concurrency = concurrencyOf(settings.queue.concurrency);
  return { kbs, queue: new InProcessQueue({ handlers, concurrency, maxWaiting, log }) };
}

/**
 * The KBs of a process, not yet followed.
 * @throws ReferentError `model-invalid` where the model of the settings cannot be loaded.
 */
export async function openKbs(
  { catalog, pool, log, settings: { defaultKb } }: Omit<WorkParts, 'batches'>,
  reranker?: Reranker,
): Promise<OpenKbs> {
  const defaultModel = await pool.byDefault();
  // KBs take it from the pool; where none does, it is closed after a while.
  (await pool.acquire(defaultModel.version)).release();
  return new OpenKbs({ catalog, pool, defaultModel, log, defaultKb, reranker });
}

/** Hands jobs to workers; null where the settings name no Redis. */
export function redisQueue(settings: Settings, log: QueueLog): BullQueue | null {
  const { redisUrl, queue } = settings;
  if (redisUrl === null) return null;
  const { prefix, maxWaiting } = queue;
  return new BullQueue({ redisUrl, prefix, maxWaiting, log });
}

/** What goes on beside requests and jobs in every process that has a queue. */
export interface Background {
  readonly caretaker: Caretaker;
  readonly reembedder: Reembedder;
}

type BackgroundParts = Omit<WorkParts, 'settings'> & Pick<Work, 'queue'>;

/** Not started yet. */
export function backgroundOf({ catalog, pool, queue, batches, log }: BackgroundParts): Background {
  const caretaker = new Caretaker(log);
  const reembedder = new Reembedder({ catalog, pool, queue, log });
  caretaker.register('re-embedding', () => reembedder.tend());
  careForBatches(caretaker, { store: batches, queue });
  return { caretaker, reembedder };
}

/** In the order in which one needs the other. */
export async function closeWork(parts: Background & Work & Omit<WorkParts, 'settings' | 'log'>) {
  const { caretaker, reembedder, queue, batches, kbs, catalog, pool } = parts;
  await caretaker.close();
  await reembedder.close();
  await queue.close();
  await batches.close();
  await kbs.close();
  await catalog.close();
  await pool.close();
}

/** Two pages of embedding fill the model, and publishing a KB twice at a time is of no use. */
export function concurrencyOf(most: number): Readonly<Record<QueueName, number>> {
  return { rerank: most, annotate: most, embed: 2, publish: 1 };
}

/** Where batches are kept, and for how long. */
export function batchSettings({ dataDir, databaseUrl, jobs }: Settings): BatchStoreSettings {
  return { dataDir, databaseUrl, resultsHours: jobs.resultsHours };
}
