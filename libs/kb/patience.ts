import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy } from './file-lock.js';

const RETRY_MS = 10;

/** Repeats what is `busy` until it is not, or until so many milliseconds have passed; nothing else waits for it. */
export async function patiently<T>(patienceMs: number, work: () => T | Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
      await sleep(RETRY_MS);
    }
  }
}
