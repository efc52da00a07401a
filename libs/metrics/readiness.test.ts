import { expect, it } from '@jest/globals';
import type { ReadyResponse } from '../contract/responses.js';
import { Readiness, type ReadinessSources } from './readiness.js';

const answer: ReadyResponse = {
  status: 'ready',
  model: 'm@1',
  kbs: ['demo'],
  warnings: ['old'],
};
const kbs = { readiness: () => answer, secondsSinceLook: () => 0.3 };
const ready = (sources: Partial<ReadinessSources> = {}) =>
  new Readiness({ kbs, isEnding: () => false, ...sources }).ready();

it('is ready where the KBs are, and says no more', async () => {
  expect(await ready()).toEqual(answer);
});

it('is not ready while the server ends', async () => {
  await expect(ready({ isEnding: () => true })).rejects.toMatchObject({ code: 'not-ready' });
});

it('stays ready when the queue is away, and says so', async () => {
  const queue = { counts: () => Promise.reject(new Error('redis://me:secret@host')) };
  const told = await ready({ queue });
  expect(told).toMatchObject({ ...answer, warnings: ['old', expect.stringMatching(/job queues/)] });
  expect(JSON.stringify(told)).not.toContain('secret');
});

it('stays ready when no worker takes a queue, and says which', async () => {
  const jobs = { waiting: 0, active: 0, failed: 0 };
  const counts = (rerank: number) => () =>
    Promise.resolve([
      { queue: 'rerank' as const, ...jobs, workers: rerank },
      { queue: 'annotate' as const, ...jobs, workers: 2 },
    ]);
  expect(await ready({ queue: { counts: counts(0) } })).toEqual({
    ...answer,
    warnings: ['old', expect.stringMatching(/No worker takes the queue rerank: .*cross-encoder/)],
    queues: { rerank: { workers: 0 }, annotate: { workers: 2 } },
  });
  expect((await ready({ queue: { counts: counts(1) } })).warnings).toEqual(['old']);
});

it('stays ready when the stores cannot be read, and says since when', async () => {
  const late = { ...kbs, secondsSinceLook: () => 42 };
  expect((await ready({ kbs: late })).warnings).toEqual(['old', expect.stringMatching(/42 s ago/)]);
});
