import { UnrecoverableError, WaitingError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { ReferentError } from '../contract/errors.js';
import type { QueueName } from '../contract/jobs.js';
import { envelope, wantedKey, type Envelope } from './envelope.js';
import { canPass, failureText } from './failure.js';
import { handled } from './handling.js';
import type { QueueLog } from './queue-log.js';
import { RedisLink } from './redis-link.js';
import type { SomeHandlers } from './registration.js';
import { after } from './wait-for.js';

export interface BullWorkersOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly handlers: SomeHandlers;
  readonly queues: readonly QueueName[];
  /** Jobs of a queue that this process works on at the same time. */
  readonly concurrency: Readonly<Record<QueueName, number>>;
  readonly log: QueueLog;
}

interface Timing {
  /** A worker that has not been heard of for so long is dead; it is heard of twice in that time. */
  readonly lockDuration: number;
  /** So often the jobs of the dead are looked for; one is given to another worker at the second look. */
  readonly stalledInterval: number;
}

/**
 * Somebody waits for a reranking, 5 s by default: when its worker is killed, another has it after 2 to 4 s. The
 * rest can wait, and may hold the event loop for longer.
 */
const INTERACTIVE: Timing = { lockDuration: 2_000, stalledInterval: 1_000 };
const PATIENT: Timing = { lockDuration: 10_000, stalledInterval: 5_000 };
/** A job at which so many workers died is to blame itself. */
const MAX_DEATHS = 5;
/** Between two looks at whether the results are still wanted. */
const WANTED_EVERY_MS = 500;
/** Where Redis refuses every command (no memory), BullMQ would ask again at once and without end. */
const REFUSED_PAUSE_MS = 1_000;

/** Takes jobs of the chosen queues from Redis. */
export class BullWorkers {
  private readonly link: RedisLink;
  private readonly redis: Redis;
  private readonly workers: readonly Worker[];
  private readonly running = new Set<RunningJob>();
  private readonly timer: NodeJS.Timeout;
  private closing = false;
  private looking = false;

  constructor(private readonly options: BullWorkersOptions) {
    this.link = new RedisLink(options.redisUrl, options.log);
    this.redis = this.link.forListeners();
    this.workers = options.queues.map((queue) => this.startWorker(queue));
    this.timer = setInterval(() => void this.stopUnwanted(), WANTED_EVERY_MS).unref();
  }

  /** Takes no more; what runs has so long to finish, then it is given back for another worker. */
  async close(withinMs: number): Promise<void> {
    this.closing = true;
    await Promise.all(this.workers.map((worker) => worker.pause(true)));
    await this.idle(withinMs);
    for (const { controller } of this.running) controller.abort(ENDING);
    await this.idle(GIVE_BACK_MS);
    // What cannot be stopped is left alone, and found by its lock; where Redis is gone BullMQ would wait for it.
    const byForce = this.running.size > 0;
    const closed = Promise.allSettled(this.workers.map((worker) => worker.close(byForce)));
    await Promise.race([closed, after(GIVE_BACK_MS)]);
    clearInterval(this.timer);
    this.link.close();
  }

  private async idle(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    while (this.running.size > 0 && performance.now() < until) await after(LOOK_MS);
  }

  private startWorker(queue: QueueName): Worker {
    const { prefix, concurrency } = this.options;
    const worker = new Worker(queue, (job, token) => this.work(queue, job, token), {
      connection: this.redis,
      prefix,
      concurrency: concurrency[queue],
      maxStalledCount: MAX_DEATHS,
      ...(queue === 'rerank' ? INTERACTIVE : PATIENT),
      runRetryDelay: REFUSED_PAUSE_MS,
    });
    let pausing = false;
    worker.on('error', (error) => {
      this.link.hears(error);
      if (pausing || !error.message.includes('OOM command')) return;
      pausing = true;
      void worker.pause(true);
      setTimeout(() => {
        pausing = false;
        void worker.resume();
      }, REFUSED_PAUSE_MS).unref();
    });
    worker.on('failed', (job, error) => {
      const again = job !== undefined && job.finishedOn === undefined;
      const fields = { queue, job: job?.id, attempts: job?.attemptsMade };
      if (again) this.options.log.warn(`A job is tried again: ${error.message}`, fields);
      else this.options.log.error(error, fields);
    });
    return worker;
  }

  private async work(queue: QueueName, job: Job, token: string | undefined): Promise<unknown> {
    const data = opened(queue, job);
    const run = new RunningJob(data.isWatched ? (job.id ?? '') : null);
    this.running.add(run);
    try {
      // BullMQ may hand out one more that it was waiting for.
      if (this.closing) return await givenBack(job, token);
      // The caller has left: there is no result, and nobody misses it.
      if (!(await this.isWanted(run))) return null;
      return await this.handle(queue, data, run);
    } catch (error) {
      if (error instanceof WaitingError) throw error;
      if (run.controller.signal.reason === ENDING) return await givenBack(job, token);
      if (run.isUnwanted) return null;
      throw canPass(error)
        ? new Error(failureText(error), { cause: error })
        : new UnrecoverableError(failureText(error));
    } finally {
      this.running.delete(run);
    }
  }

  private handle(
    queue: QueueName,
    { lane, payload }: Envelope,
    { controller }: RunningJob,
  ): Promise<unknown> {
    const context = { lane, signal: controller.signal };
    const { handlers } = this.options;
    return handled(queue, payload, { handlers, context });
  }

  /** Looks again when Redis has said, however long that takes. */
  private async stopUnwanted(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    const stopOne = async (run: RunningJob) => {
      if (!(await this.isWanted(run))) run.stop();
    };
    await Promise.all([...this.running].map(stopOne));
    this.looking = false;
  }

  /** Where Redis does not say, it is. */
  private async isWanted({ watchedId }: RunningJob): Promise<boolean> {
    if (watchedId === null) return true;
    try {
      return (await this.redis.exists(wantedKey(this.options.prefix, watchedId))) > 0;
    } catch {
      return true;
    }
  }
}

/** Giving back takes a few round trips to Redis. */
const GIVE_BACK_MS = 1_000;
/** Between two looks at whether the last job has ended. */
const LOOK_MS = 20;

const ENDING = new ReferentError('not-ready', 'The worker is ending.');

class RunningJob {
  readonly controller = new AbortController();
  isUnwanted = false;

  /** `watchedId`: null where nobody waits, so that nobody can leave. */
  constructor(readonly watchedId: string | null) {}

  stop(): void {
    this.isUnwanted = true;
    this.controller.abort(new ReferentError('deadline-exceeded', 'Nobody waits for the result.'));
  }
}

function opened(queue: QueueName, job: Job): Envelope {
  if (job.name !== queue) {
    throw new UnrecoverableError(`invalid-input: The queue ${queue} has no jobs '${job.name}'.`);
  }
  const parsed = envelope.safeParse(job.data);
  if (parsed.success) return parsed.data;
  throw new UnrecoverableError(`invalid-input: The job is in no envelope of this version.`);
}

/** @throws always: that is how BullMQ is told that the job has been put back. */
async function givenBack(job: Job, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}
