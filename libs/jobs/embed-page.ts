import type { JobPayload, JobResult } from '../contract/jobs.js';
import type { KbCatalog, KbStore } from '../kb/kb-store.js';
import type { LinkingModel } from '../model/linking-model.js';
import type { ModelPool } from '../model/model-pool.js';
import { Embedder, type EntityEncoder } from './embedder.js';

export interface EmbeddingParts {
  readonly catalog: KbCatalog;
  readonly pool: ModelPool;
}

/** Gives vectors of a model to the entities of a page that have none yet. What is encoded is stored, even when it is stopped. */
export async function embedPage(
  { kb, version, afterKey, throughKey }: JobPayload<'embed'>,
  { catalog, pool }: EmbeddingParts,
  signal: AbortSignal,
): Promise<JobResult<'embed'>> {
  const store = await catalog.open(kb);
  const keys = await store.vectors.entitiesWithout(version, {
    ...{ afterKey, throughKey, limit: throughKey - afterKey },
  });
  if (keys.length === 0) return { encoded: 0 };
  const { model, release } = await pool.acquire(version);
  try {
    return { encoded: await embedKeys(keys, { store, model, signal }) };
  } finally {
    release();
  }
}

interface Target {
  readonly store: KbStore;
  readonly model: LinkingModel;
  readonly signal: AbortSignal;
}

/** Gives how many contents were encoded: those that have a vector, or are no more, are not. */
export async function embedKeys(
  keys: readonly number[],
  { store, model, signal }: Target,
): Promise<number> {
  const encoder: EntityEncoder = {
    manifest: model.manifest,
    encodeEntities: (texts) => model.encodeEntities(texts, 'batch'),
  };
  const embedder = new Embedder(encoder, store.vectors, {
    onEncoded: () => undefined,
    assertGoingOn: () => {
      signal.throwIfAborted();
    },
  });
  const entities = [...(await store.entities.byKeys(keys)).values()];
  try {
    await embedder.add(
      entities.map(({ record }) => record),
      entities.map(({ contentHash }) => contentHash),
    );
    await embedder.finish();
  } finally {
    await embedder.settle();
  }
  return embedder.encoded;
}
