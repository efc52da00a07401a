import { setTimeout as sleep } from 'node:timers/promises';
import { isLive } from '../../../libs/batches/job-answer.js';
import type { JobResponse } from '../../../libs/contract/batches.js';

export interface Pace {
  /** Between two looks at the job: there are no more events than that. */
  readonly lookMs: number;
  /** Without an event for so long, a comment keeps the connection open. */
  readonly heartbeatMs: number;
}

export const USUAL_PACE: Pace = { lookMs: 500, heartbeatMs: 15_000 };

/** Server-sent events: `progress` whenever something has changed, and `end` when the job has ended. */
export async function* jobEvents(
  look: () => Promise<JobResponse>,
  signal: AbortSignal,
  { lookMs, heartbeatMs }: Pace = USUAL_PACE,
): AsyncGenerator<string> {
  let said = '';
  let saidAt = 0;
  while (!signal.aborted) {
    const job = await look();
    const state = JSON.stringify(job);
    if (!isLive(job)) {
      yield `event: end\ndata: ${state}\n\n`;
      return;
    }
    const isSilent = performance.now() - saidAt >= heartbeatMs;
    if (state !== said) yield `event: progress\ndata: ${state}\n\n`;
    else if (isSilent) yield ': still here\n\n';
    if (state !== said || isSilent) saidAt = performance.now();
    said = state;
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
  }
}
