import type { Lane } from '../contract/jobs.js';
import type { EntityText } from './entity-text.js';
import { inputDigest } from './input-digest.js';
import type { EntityIds, EntityLayout } from './layout/entity-layout.js';
import type { ModelCache } from './model-cache.js';

export interface CachedLayoutOptions {
  readonly layout: EntityLayout;
  readonly cache: ModelCache | null;
  /** Of the model that the layout belongs to. */
  readonly release: string;
  /** Characters of a description that the layout reads at most. */
  readonly descriptionChars: number;
  readonly lane: Lane;
}

/** The entities of one call: each is digested once, and laid out where the cache has nobody of the same content. */
export class CachedLayout {
  private readonly digests = new Map<EntityText, string>();

  constructor(private readonly options: CachedLayoutOptions) {}

  /** Names all that the layout reads of the entity. */
  digestOf(entity: EntityText): string {
    const known = this.digests.get(entity);
    if (known !== undefined) return known;
    const { release, descriptionChars } = this.options;
    const { title, aliases, types, description } = entity;
    // A character is at most two units.
    const read = description.slice(0, 2 * descriptionChars);
    const digest = inputDigest([release, title, aliases, types, read]);
    this.digests.set(entity, digest);
    return digest;
  }

  lay(entity: EntityText): EntityIds {
    const { layout, cache, lane } = this.options;
    if (cache === null) return layout.lay(entity);
    const key = { name: 'entity', digest: this.digestOf(entity), lane } as const;
    return cache.entity(key, () => layout.lay(entity));
  }
}
