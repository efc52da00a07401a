import { describe, expect, it } from '@jest/globals';
import { annotateOptions } from '../../../libs/contract/annotate.js';
import type { JobResponse } from '../../../libs/contract/batches.js';
import { jobEvents } from './job-events.js';

const PACE = { lookMs: 5, heartbeatMs: 20 };
const never = new AbortController().signal;

const job = (done: number, state: JobResponse['state'] = 'running'): JobResponse => ({
  ...{ id: 'a', state, kb: 'demo', options: annotateOptions.parse({}), total: 9, done, failed: 0 },
  ...{ ratePerSecond: null, secondsLeft: null, createdAt: '', startedAt: null },
  ...{ finishedAt: null, expiresAt: null, versions: null, problem: null },
});

/** What is seen at one look after another; the last from then on. */
function looks(...seen: JobResponse[]) {
  return () => Promise.resolve((seen.length > 1 ? seen.shift() : seen[0]) ?? job(0));
}

async function all(events: AsyncIterable<string>): Promise<string[]> {
  const kinds: string[] = [];
  for await (const event of events) kinds.push(event.split('\n')[0] ?? '');
  return kinds;
}

describe('jobEvents', () => {
  it('tells what has changed, once, and ends with the job', async () => {
    const look = looks(job(0), job(1), job(1), job(2), job(9, 'done'));
    expect(await all(jobEvents(look, never, { ...PACE, heartbeatMs: 1_000 }))).toEqual([
      'event: progress',
      'event: progress',
      'event: progress',
      'event: end',
    ]);
  });

  it('tells at once of a job that has ended', async () => {
    expect(await all(jobEvents(looks(job(3, 'cancelled')), never, PACE))).toEqual(['event: end']);
  });

  it('keeps a silent connection open with comments, until it is told to stop', async () => {
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort();
    }, 200);
    const [first, ...rest] = await all(jobEvents(looks(job(1)), stop.signal, PACE));
    expect(first).toBe('event: progress');
    expect(new Set(rest)).toEqual(new Set([': still here']));
    expect(rest.length).toBeLessThan(12);
  });

  it('stops when the job is not there any more', async () => {
    const gone = () => Promise.reject(new Error('gone'));
    await expect(all(jobEvents(gone, never, PACE))).rejects.toThrow('gone');
  });
});
