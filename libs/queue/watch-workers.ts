import type { QueueLog } from './queue-log.js';
import { untakenQueues, untakenText } from './untaken-queues.js';
import type { QueueCounts } from './work-queue.js';

interface CountedQueues {
  counts(): Promise<readonly QueueCounts[]>;
}

/** To be called again and again: tells of queues that no worker takes, and when all are taken again, once each. */
export function workersWatch(queue: CountedQueues, log: QueueLog): () => Promise<void> {
  let told = '';
  return async () => {
    const counts = await queue.counts().catch(() => null);
    if (counts === null) return; // that Redis is away is told of elsewhere
    const untaken = untakenQueues(counts);
    const now = untaken.join(', ');
    if (now === told) return;
    told = now;
    log.warn(now === '' ? 'All queues have a worker again.' : untakenText(untaken));
  };
}
