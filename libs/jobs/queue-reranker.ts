import { ReferentError } from '../contract/errors.js';
import {
  Reranker,
  RerankUnavailable,
  type RerankContext,
  type RerankLogits,
  type RerankRequest,
} from '../linking/reranker.js';
import { canPass } from '../queue/failure.js';
import type { QueueLog } from '../queue/queue-log.js';
import type { WorkQueue } from '../queue/work-queue.js';

export interface QueueRerankerOptions {
  readonly queue: WorkQueue;
  /** For the interactive lane; the batch lane waits as long as it takes. */
  readonly deadlineMs: number;
  readonly log: QueueLog;
}

/** An outage degrades every request; it is told of so often. */
const TELL_EVERY_MS = 10_000;

/** Has the pairs scored by whoever takes the queue `rerank`: one job a document. */
export class QueueReranker extends Reranker {
  private toldAtMs = -Infinity;
  private untold = 0;

  constructor(private readonly options: QueueRerankerOptions) {
    super();
  }

  override async logits(
    request: RerankRequest,
    { lane, signal }: RerankContext,
  ): Promise<RerankLogits> {
    const { queue, deadlineMs } = this.options;
    const deadline = lane === 'interactive' ? { deadlineMs } : {};
    try {
      return await queue.run('rerank', request, { lane, signal, ...deadline });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw this.told(unavailable(error));
    }
  }

  private told(error: RerankUnavailable): RerankUnavailable {
    this.untold += 1;
    const now = performance.now();
    if (now - this.toldAtMs < TELL_EVERY_MS) return error;
    this.options.log.warn(`Reranking by the queue failed: ${error.message}`, {
      code: error.code,
      documents: this.untold,
    });
    this.toldAtMs = now;
    this.untold = 0;
    return error;
  }
}

/** Whatever a worker failed at, the request can be answered without it, or made again. */
function unavailable(error: unknown): RerankUnavailable {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ReferentError ? error.code : null;
  if (code === 'deadline-exceeded' || code === 'model-mismatch' || code === 'queue-unavailable') {
    return new RerankUnavailable(code, message, { cause: error });
  }
  const what = canPass(error) ? 'cannot do it now' : 'failed';
  return new RerankUnavailable('queue-unavailable', `The reranking worker ${what}: ${message}`, {
    cause: error,
  });
}
