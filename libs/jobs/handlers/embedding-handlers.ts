import type { SomeHandlers } from '../../queue/registration.js';
import { embedPage } from '../embed-page.js';
import type { PublishParts } from '../publish-reembedding.js';
import { publishHandler } from './publish-handler.js';

/** What re-embedding a KB needs. */
export function embeddingHandlers(parts: PublishParts): SomeHandlers {
  return {
    embed: (page, { signal }) => embedPage(page, parts, signal),
    publish: publishHandler(parts),
  };
}
