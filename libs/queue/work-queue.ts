import type { JobPayload, JobResult, Lane, QueueName } from '../contract/jobs.js';

export type { Lane } from '../contract/jobs.js';

export interface RunOptions {
  readonly lane: Lane;
  /** `deadline-exceeded` where the result is not there after so many milliseconds; the job's work is then wasted. */
  readonly deadlineMs?: number | undefined;
  /** Stops the waiting, and the job where it has not begun. */
  readonly signal?: AbortSignal | undefined;
}

export interface AddOptions {
  readonly lane: Lane;
  /** A job of the same queue and id that waits or runs makes this one needless: nothing is added then. */
  readonly id: string;
}

export interface QueueCounts {
  readonly queue: QueueName;
  readonly waiting: number;
  readonly active: number;
  /** Kept for who looks after them. */
  readonly failed: number;
  /** Processes that take its jobs. */
  readonly workers: number;
}

/** What the worker knows of the job it runs. */
export interface JobContext {
  readonly lane: Lane;
  /** Aborted when nobody waits for the result any more, or the process ends. */
  readonly signal: AbortSignal;
}

/** One handler a queue. It can be killed at any moment and be given the same job twice. */
export type Handlers = {
  readonly [N in QueueName]: (payload: JobPayload<N>, context: JobContext) => Promise<JobResult<N>>;
};

/** Who hands out work. Adapters: in the process, and BullMQ over Redis; the handlers are the same. */
export abstract class WorkQueue {
  /**
   * Has a job done and gives its result. The handler's ReferentError comes back with its code; `queue-unavailable`
   * where the queue cannot be reached, `busy` where it is full.
   */
  abstract run<N extends QueueName>(
    queue: N,
    payload: JobPayload<N>,
    options: RunOptions,
  ): Promise<JobResult<N>>;
  /** Hands a job over and does not wait for it. */
  abstract add<N extends QueueName>(
    queue: N,
    payload: JobPayload<N>,
    options: AddOptions,
  ): Promise<void>;
  abstract counts(): Promise<readonly QueueCounts[]>;
  abstract close(): Promise<void>;
}
