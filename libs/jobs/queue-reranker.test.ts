import { expect, it } from '@jest/globals';
import { ReferentError } from '../contract/errors.js';
import { WorkQueue } from '../queue/work-queue.js';
import { QueueReranker } from './queue-reranker.js';

/** A queue that nobody takes jobs from. */
class DesertedQueue extends WorkQueue {
  asked = 0;

  override run(): Promise<never> {
    this.asked += 1;
    return Promise.reject(new ReferentError('deadline-exceeded', 'nobody came'));
  }
  override add = () => Promise.resolve();
  override counts = () => Promise.resolve([]);
  override close = () => Promise.resolve();
}

it('stops waiting for workers that do not come, but for a look now and then', async () => {
  const queue = new DesertedQueue();
  const log = { warn: () => undefined, info: () => undefined, error: () => undefined };
  const reranker = new QueueReranker({ queue, deadlineMs: 50, log });
  const request = {
    ...{ kb: 'demo', release: 'r', text: 'x', mentions: [] },
    ...{ mode: 'adaptive' as const, minConfidence: 0 },
  };
  for (let time = 0; time < 10; time++) {
    await expect(reranker.logits(request, { lane: 'interactive' })).rejects.toMatchObject({
      name: 'RerankUnavailable',
    });
  }
  // Three in a row, then one that looks; the second between two looks is not over yet.
  expect(queue.asked).toBe(4);
});
