import { ReferentError } from '../contract/errors.js';
import type { JobPayload, JobResult, Lane } from '../contract/jobs.js';
import type { Pieces } from '../text/pieces.js';
import type { Records } from './records.js';

/** What the cross-encoder is asked about one document: plain data, so that another process can be asked. */
export type RerankRequest = JobPayload<'rerank'>;
export type RerankLogits = JobResult<'rerank'>;

/** What the caller has of the document already; who scores elsewhere makes it anew. */
export interface RerankContext {
  readonly pieces: Pieces;
  readonly records: Records;
  readonly lane: Lane;
  readonly signal?: AbortSignal | undefined;
}

/** Who runs the waves over a document's pairs: in this process, or a worker's. Both give the same logits. */
export abstract class Reranker {
  /** @throws RerankUnavailable where nobody can do it in time. */
  abstract logits(request: RerankRequest, context: RerankContext): Promise<RerankLogits>;
}

/** The answer can be given without the cross-encoder, or the caller told to come again. */
export class RerankUnavailable extends ReferentError {
  constructor(
    code: 'deadline-exceeded' | 'queue-unavailable' | 'model-mismatch',
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.name = 'RerankUnavailable';
  }
}
