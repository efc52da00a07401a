import type { Caretaker } from '../jobs/caretaker.js';
import type { BatchStore } from '../kb/batch-store.js';
import type { WorkQueue } from '../queue/work-queue.js';
import { BatchFeed, canWait } from './feed.js';

/** Has batches go on that a killed process or an emptied Redis left, and what has expired removed. */
export function careForBatches(
  caretaker: Caretaker,
  { store, queue }: { readonly store: BatchStore; readonly queue: WorkQueue },
): void {
  const feed = new BatchFeed(store, queue);
  caretaker.register('batches', async () => {
    try {
      await feed.feedAll();
    } catch (error) {
      if (!canWait(error)) throw error;
    }
  });
  caretaker.register('expired batches', () => store.sweep());
}
