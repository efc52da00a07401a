import type { KbCatalog } from '../../../libs/kb/kb-store.js';

/** Entities by knowledge base, of all there are. */
export function entitiesOf(catalog: KbCatalog): () => Promise<ReadonlyMap<string, number>> {
  return async () => new Map((await catalog.list()).map(({ name, entities }) => [name, entities]));
}
