import { annotateHandler } from '../../batches/annotate-handler.js';
import { BatchFeed } from '../../batches/feed.js';
import type { BatchStore } from '../../kb/batch-store.js';
import type { OpenKbs } from '../../linking/open-kbs.js';
import { registered, type SomeHandlers } from '../../queue/registration.js';
import type { WorkQueue } from '../../queue/work-queue.js';
import type { PublishParts } from '../publish-reembedding.js';
import { embeddingHandlers } from './embedding-handlers.js';
import { rerankHandler } from './rerank-handler.js';

/** What handlers work with. */
export interface HandlerParts extends PublishParts {
  readonly kbs: OpenKbs;
  /** For handlers whose work makes more. */
  readonly queue: WorkQueue;
  readonly batches: BatchStore;
}

/** The handlers of this version, one a queue; a process takes some of these queues. */
export function handlersOf(parts: HandlerParts): SomeHandlers {
  const { kbs, queue, batches: store } = parts;
  const feed = new BatchFeed(store, queue);
  return registered(
    { rerank: rerankHandler(parts) },
    { annotate: annotateHandler({ store, kbs, feed: (batch) => feed.feed(batch) }) },
    embeddingHandlers(parts),
  );
}
