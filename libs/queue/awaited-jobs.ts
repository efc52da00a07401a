import type { QueueEvents } from 'bullmq';
import { failureOf } from './failure.js';

/** A job as Redis knows it: `text` is the result, or why it failed. */
export type Outcome =
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'open' }
  | { readonly state: 'unknown' };

export type AskAfter = (jobId: string) => Promise<Outcome>;

/**
 * So often jobs are asked for whose event has not come: one is lost where it came before this process listened,
 * while it was disconnected, or while Redis was restarted empty.
 */
const ASK_EVERY_MS = 500;

interface Waiter {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly sinceMs: number;
}

/** Redis may take nearly a second to take a job: one that it does not know so long after is lost. */
const LOST_AFTER_MS = 1_500;

/** Whom in this process to tell that a job of one queue has ended. */
export class AwaitedJobs {
  private readonly waiters = new Map<string, Waiter>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly ask: AskAfter) {}

  hear(events: QueueEvents): void {
    events.on('completed', ({ jobId, returnvalue }) => {
      this.settle(jobId, { state: 'done', result: returnvalue });
    });
    events.on('failed', ({ jobId, failedReason }) => {
      this.settle(jobId, { state: 'failed', reason: failedReason });
    });
  }

  /** Ask before the job is added: it may end before the call that adds it does. */
  resultOf(jobId: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.waiters.set(jobId, { resolve, reject, sinceMs: performance.now() });
      this.timer ??= setInterval(() => void this.askForAll(), ASK_EVERY_MS).unref();
    });
  }

  /** Nobody here waits for the job any more; whether somebody did, so that it had not ended. */
  forget(jobId: string): boolean {
    const wasAwaited = this.waiters.delete(jobId);
    if (this.waiters.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    return wasAwaited;
  }

  close(reason: Error): void {
    for (const [jobId, { reject }] of [...this.waiters]) {
      this.forget(jobId);
      reject(reason);
    }
  }

  private async askForAll(): Promise<void> {
    const now = performance.now();
    const late = [...this.waiters].filter(([, { sinceMs }]) => now - sinceMs >= ASK_EVERY_MS);
    // While Redis is gone there is no answer, and the deadline runs.
    const askFor = async (jobId: string, sinceMs: number) => {
      const outcome = await this.ask(jobId);
      const mayComeYet = outcome.state === 'unknown' && now - sinceMs < LOST_AFTER_MS;
      if (!mayComeYet) this.settle(jobId, outcome);
    };
    await Promise.allSettled(late.map(([jobId, { sinceMs }]) => askFor(jobId, sinceMs)));
  }

  private settle(jobId: string, outcome: Outcome): void {
    const waiter = this.waiters.get(jobId);
    if (waiter === undefined || outcome.state === 'open') return;
    this.forget(jobId);
    if (outcome.state === 'done') waiter.resolve(outcome.result);
    else waiter.reject(failureOf(outcome.state === 'failed' ? outcome.reason : LOST));
  }
}

const LOST = 'queue-unavailable: Redis has lost the job: it was restarted without its data.';
