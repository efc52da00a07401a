import type { JobResponse } from '../contract/batches.js';
import type { Batch } from '../kb/batch-store.js';

/** A batch as the API tells of it. */
export function jobAnswer(batch: Batch): JobResponse {
  const { id, state, kb, options, total, done, failed, problem, versions } = batch;
  const { createdAt, startedAt, finishedAt, expiresAt } = batch;
  const rate = ratePerSecond(batch);
  return {
    ...{ id, state, kb, options, total, done, failed },
    ratePerSecond: rate === null ? null : Number(rate.toPrecision(4)),
    secondsLeft: secondsLeft(batch, rate),
    ...{ createdAt, startedAt, finishedAt, expiresAt, versions, problem },
  };
}

export function isLive({ state }: Pick<Batch, 'state'>): boolean {
  return state === 'queued' || state === 'running';
}

function ratePerSecond({ rateSince, rateFrom, updatedAt, done, failed }: Batch): number | null {
  if (rateSince === null || updatedAt === null) return null;
  const seconds = (Date.parse(updatedAt) - Date.parse(rateSince)) / 1_000;
  const results = done + failed - rateFrom;
  return seconds > 0 && results > 0 ? results / seconds : null;
}

function secondsLeft(batch: Batch, rate: number | null): number | null {
  if (!isLive(batch)) return 0;
  return rate === null ? null : Math.ceil((batch.total - batch.done - batch.failed) / rate);
}
