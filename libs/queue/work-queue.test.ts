import { sharedRedis, uniqueName } from '../../test/support/services.js';
import type { QueueName } from '../contract/jobs.js';
import { BullQueue } from './bull-queue.js';
import { BullWorkers } from './bull-workers.js';
import { InProcessQueue } from './in-process-queue.js';
import { workQueueContract } from './work-queue.contract.js';

workQueueContract('InProcessQueue', (options) => {
  const queue = new InProcessQueue(options);
  return { queue, close: () => queue.close() };
});

workQueueContract('BullQueue with BullWorkers', ({ handlers, concurrency, maxWaiting, log }) => {
  const redis = { redisUrl: sharedRedis(), prefix: uniqueName(), log };
  const queue = new BullQueue({ ...redis, maxWaiting });
  const queues = Object.keys(handlers) as QueueName[];
  const workers = new BullWorkers({ ...redis, handlers, queues, concurrency });
  const close = async () => {
    await queue.close();
    await workers.close(100);
  };
  return { queue, close };
});
