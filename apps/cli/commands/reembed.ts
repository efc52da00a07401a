import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../../../libs/config/settings.js';
import { ReferentError } from '../../../libs/contract/errors.js';
import type { ReembeddingPhase } from '../../../libs/contract/models-api.js';
import { kbModelsOf } from '../../../libs/jobs/models-view.js';
import { embeddingHandlers } from '../../../libs/jobs/handlers/embedding-handlers.js';
import { concurrencyOf, redisQueue } from '../../../libs/jobs/open-work.js';
import type { PublishLog, PublishParts } from '../../../libs/jobs/publish-reembedding.js';
import { Reembedder } from '../../../libs/jobs/reembedder.js';
import type { ModelState } from '../../../libs/kb/kb-store.js';
import { openCatalog } from '../../../libs/kb/open-catalog.js';
import type { ModelPool } from '../../../libs/model/model-pool.js';
import { InProcessQueue } from '../../../libs/queue/in-process-queue.js';
import type { QueueLog } from '../../../libs/queue/queue-log.js';
import type { WorkQueue } from '../../../libs/queue/work-queue.js';
import { usageError } from '../exit.js';
import { interruptible } from '../interrupt.js';
import { kbModelsText } from '../kb-models-text.js';
import { writeNote, writeResult } from '../output.js';
import { ProgressBar, type ProgressState } from '../progress.js';
import { withPool } from '../session.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface ReembedOptions extends GlobalOptions {
  readonly kb: string;
  readonly model?: string;
  readonly rollback?: boolean;
  readonly cancel?: boolean;
  readonly status?: boolean;
  readonly json?: boolean;
}

const ADVICE =
  'The KB is searched as before, and what is encoded is kept. A server or worker that runs goes on with it; else run ' +
  'the same command again, or forget it with --cancel.';
const LOOK_EVERY_MS = 200;

/** `referent reembed` */
export async function reembed(options: ReembedOptions): Promise<void> {
  const asked = askedFor(options);
  const settings = settingsWithWarnings(options);
  await interruptible(ADVICE, (signal) =>
    withReembedder(settings, async (reembedder, pool) => {
      const state = await asked(reembedder);
      const isWaiting = options.cancel !== true && options.status !== true;
      const last = isWaiting ? await ended(options.kb, state, { reembedder, signal }) : state;
      const models = await kbModelsOf(options.kb, last, pool);
      const text = options.json === true ? `${JSON.stringify(models)}\n` : kbModelsText(models);
      await writeResult(text);
    }),
  );
}

type Asked = (reembedder: Reembedder) => Promise<ModelState>;

/** @throws ReferentError `invalid-input` unless exactly one thing is asked for. */
function askedFor({ kb, model, rollback, cancel, status }: ReembedOptions): Asked {
  const asked: Asked[] = [];
  if (model !== undefined) asked.push((reembedder) => reembedder.begin(kb, model));
  if (rollback === true) asked.push((reembedder) => reembedder.rollBack(kb));
  if (cancel === true) asked.push((reembedder) => reembedder.cancel(kb));
  if (status === true) asked.push((reembedder) => reembedder.state(kb));
  const [only] = asked;
  if (only !== undefined && asked.length === 1) return only;
  throw usageError('Give one of --model NAME, --rollback, --cancel and --status; see --help.');
}

/** With Redis, workers do what there is to do; without, this process does, unless a server is at it. */
async function withReembedder<T>(
  settings: Settings,
  work: (reembedder: Reembedder, pool: ModelPool) => Promise<T>,
): Promise<T> {
  const catalog = openCatalog(settings);
  try {
    return await withPool(settings, async (pool) => {
      const queue =
        redisQueue(settings, NOTES) ?? queueHere(settings, { catalog, pool, log: NOTES });
      const reembedder = new Reembedder({ catalog, pool, queue, log: NOTES });
      try {
        return await work(reembedder, pool);
      } finally {
        await reembedder.close();
        await queue.close();
      }
    });
  } finally {
    await catalog.close();
  }
}

function queueHere({ queue: { maxWaiting } }: Settings, parts: PublishParts & WorkLog): WorkQueue {
  const { log } = parts;
  const handlers = () => embeddingHandlers(parts);
  return new InProcessQueue({ handlers, concurrency: concurrencyOf(1), maxWaiting, log });
}

interface WorkLog {
  readonly log: QueueLog & PublishLog;
}

const note = (message: unknown): void => {
  writeNote(message instanceof Error ? message.message : String(message));
};
/** The state that is printed says all that the other lines do. */
const NOTES = { info: () => undefined, warn: note, error: note };

interface Waiting {
  readonly reembedder: Reembedder;
  readonly signal: AbortSignal;
}

/** @throws ReferentError where it stopped, or somebody cancelled it. */
async function ended(
  kb: string,
  begun: ModelState,
  { reembedder, signal }: Waiting,
): Promise<ModelState> {
  const target = begun.reembedding?.target ?? begun.active;
  const bar = new ProgressBar({ label: 'Waiting', unit: 'entities' });
  try {
    for (let state = begun; ; state = await reembedder.state(kb)) {
      const { active, reembedding } = state;
      if (reembedding?.target !== target) {
        if (active === target) return state;
        throw new ReferentError('busy', 'Somebody else cancelled it meanwhile.');
      }
      if (reembedding.problem !== null) throw stopped(reembedding.problem);
      bar.update(progressOf(reembedding.progress));
      await reembedder.tendTo(kb);
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  } finally {
    bar.clear();
  }
}

const PHASES: Readonly<Record<ReembeddingPhase, string>> = {
  embed: 'Encoding',
  index: 'Indexing',
  check: 'Checking',
  swap: 'Changing over',
};

function progressOf(progress: NonNullable<ModelState['reembedding']>['progress']): ProgressState {
  if (progress === null) return { done: 0, total: null };
  const { phase, done, total, perSecond } = progress;
  return { done, total, phase: PHASES[phase], rate: perSecond ?? 0 };
}

function stopped(problem: string): ReferentError {
  return new ReferentError('index-invalid', `It stopped: ${problem}`);
}
