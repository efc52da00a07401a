import type { Handlers } from '../../queue/work-queue.js';
import { publishReembedding, type PublishParts } from '../publish-reembedding.js';

/** Builds an index and puts it in the place of the old one. */
export function publishHandler(parts: PublishParts): Handlers['publish'] {
  return ({ kb, task }, { signal }) => {
    switch (task) {
      case 'reembed':
        return publishReembedding(kb, parts, signal);
      case 'compact':
        // A process compacts what it has open by itself.
        return Promise.resolve({ published: false });
    }
  };
}
