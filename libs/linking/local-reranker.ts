import type { LinkingModel } from '../model/linking-model.js';
import { Reranker, type RerankContext, type RerankLogits, type RerankRequest } from './reranker.js';
import { scoreWaves } from './score-waves.js';

/** Asks the model of this process. */
export class LocalReranker extends Reranker {
  constructor(private readonly model: LinkingModel) {
    super();
  }

  override logits(request: RerankRequest, context: RerankContext): Promise<RerankLogits> {
    return scoreWaves(request, { ...context, model: this.model });
  }
}
