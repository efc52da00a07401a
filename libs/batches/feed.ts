import { ReferentError } from '../contract/errors.js';
import type { Batch, BatchStore, PageRef } from '../kb/batch-store.js';
import type { WorkQueue } from '../queue/work-queue.js';

/** Pages in the queue, over all batches: enough for as many workers, and few enough that a new batch waits for seconds only. */
const PAGES_IN_QUEUE = 32;
const LEAST_PAGES_OF_A_BATCH = 4;
const COUNT_EVERY_MS = 2_000;
const MOST_LIVE_BATCHES = 1_000;

/**
 * Keeps some pages of each live batch in the queue. The store is the truth, the queue carries tokens: whatever it loses
 * is put back by the next `feedAll`, and what it delivers twice is annotated once.
 */
export class BatchFeed {
  private window = PAGES_IN_QUEUE;
  private countedAt = -Infinity;

  constructor(
    private readonly store: BatchStore,
    private readonly queue: WorkQueue,
  ) {}

  /** Hands out what a batch may have more in the queue. */
  async feed(batch: string): Promise<void> {
    if (performance.now() - this.countedAt > COUNT_EVERY_MS) await this.live();
    await this.add(await this.store.work.hand(batch, this.window));
  }

  /** All live batches in turns, so that none waits for another to end; also what should be in the queue already. */
  async feedAll(): Promise<void> {
    for (const { id } of await this.live()) {
      await this.add(await this.store.work.outstanding(id));
      await this.feed(id);
    }
  }

  /** The more there are, the fewer pages each has in the queue. */
  private async live(): Promise<readonly Batch[]> {
    const live = await this.store.list({ limit: MOST_LIVE_BATCHES, live: true });
    const share = Math.floor(PAGES_IN_QUEUE / Math.max(1, live.length));
    this.window = Math.max(LEAST_PAGES_OF_A_BATCH, share);
    this.countedAt = performance.now();
    return live;
  }

  private async add(pages: readonly PageRef[]): Promise<void> {
    for (const page of pages) {
      await this.queue.add('annotate', page, { lane: 'batch', id: `${page.batch}-${page.from}` });
    }
  }
}

/** The queue cannot take pages now: the next round puts them there. */
export function canWait(error: unknown): boolean {
  return (
    error instanceof ReferentError &&
    ['queue-unavailable', 'busy', 'not-ready'].includes(error.code)
  );
}
