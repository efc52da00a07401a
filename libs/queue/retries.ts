import type { Lane } from '../contract/jobs.js';

/** How often a job is tried whose errors may pass, and how long the first wait is; each later one is twice as long. */
export interface Retries {
  readonly attempts: number;
  readonly firstWaitMs: number;
}

/** Somebody waits for the result: 0.1 and 0.2 s. */
const WAITED_FOR: Retries = { attempts: 3, firstWaitMs: 100 };
/** 0.5 s to 4 min, eight and a half minutes in all; then the job fails, and its owner looks after it. */
const HANDED_OVER: Retries = { attempts: 11, firstWaitMs: 500 };

export const retriesOf = (kind: 'run' | 'add', lane: Lane): Retries =>
  kind === 'run' && lane === 'interactive' ? WAITED_FOR : HANDED_OVER;

/** The wait after so many attempts, at least one. */
export function waitMsAfter(attempts: number, { firstWaitMs }: Retries): number {
  return firstWaitMs * 2 ** (attempts - 1);
}
