import { ReferentError } from '../../contract/errors.js';
import type { KbCatalog } from '../../kb/kb-store.js';
import { Records } from '../../linking/records.js';
import { scoreWaves } from '../../linking/score-waves.js';
import type { ModelLease, ModelPool } from '../../model/model-pool.js';
import type { Handlers } from '../../queue/work-queue.js';

export interface RerankParts {
  readonly catalog: KbCatalog;
  readonly pool: ModelPool;
}

/**
 * Scores the pairs of one document with the model that retrieved them, whichever the KB is searched with here: while
 * it changes its model, some processes are on the old one and some on the new.
 */
export function rerankHandler({ catalog, pool }: RerankParts): Handlers['rerank'] {
  return async (request, { lane, signal }) => {
    const { entities } = await catalog.open(request.kb);
    const { model, release } = await leaseFor(request.release, pool);
    try {
      const pieces = await model.tokenizeInTurns(request.text);
      const records = new Records(entities);
      return await scoreWaves(request, { model, pieces, records, lane, signal });
    } finally {
      release();
    }
  };
}

/** Logits of another release would be added to numbers that they do not belong to. */
async function leaseFor(asked: string, pool: ModelPool): Promise<ModelLease> {
  const lease = await pool.acquireRelease(asked);
  if (lease !== null) return lease;
  throw new ReferentError(
    'model-mismatch',
    `Pairs of model release ${asked} are to be scored, and this worker has no such model: give API and workers the same models (REFERENT_MODELS_DIR).`,
  );
}
