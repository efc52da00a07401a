import type { SomeHandlers } from '../../queue/registration.js';
import { embedPage } from '../embed-page.js';
import { publishReembedding, type PublishParts } from '../publish-reembedding.js';

/** What re-embedding a KB needs. */
export function embeddingHandlers(parts: PublishParts): SomeHandlers {
  return {
    embed: (page, { signal }) => embedPage(page, parts, signal),
    publish: ({ kb }, { signal }) => publishReembedding(kb, parts, signal),
  };
}
