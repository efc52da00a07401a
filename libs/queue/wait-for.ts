import { ReferentError } from '../contract/errors.js';
import type { QueueName } from '../contract/jobs.js';

export interface Patience {
  readonly queue: QueueName;
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The result, unless the deadline (by the monotonic clock) or the caller's abort comes first. */
export function waitFor<T>(
  result: Promise<T>,
  { queue, deadlineMs, signal }: Patience,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
    };
    const leave = () => {
      end();
      reject(signal?.reason as Error);
    };
    const timer =
      deadlineMs === undefined
        ? undefined
        : setTimeout(() => {
            end();
            reject(deadlineExceeded(queue, deadlineMs));
          }, deadlineMs);
    signal?.addEventListener('abort', leave, { once: true });
    result.finally(end).then(resolve, reject);
  });
}

export function deadlineExceeded(queue: QueueName, deadlineMs: number): ReferentError {
  return new ReferentError(
    'deadline-exceeded',
    `No result of the queue ${queue} within ${deadlineMs} ms: start more workers, or allow more time.`,
  );
}

/** Keeps no process alive. */
export function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
