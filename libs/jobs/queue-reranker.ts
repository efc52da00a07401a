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

/** After so many deadlines in a row nobody seems to take the queue. */
const MISSED_BEFORE_OPEN = 3;
/** Then requests are answered at once, but for one so often, which looks whether somebody takes it again. */
const PROBE_EVERY_MS = 1_000;

/** An outage degrades every request; it is told of so often. */
const TELL_EVERY_MS = 10_000;

/** Has the pairs scored by whoever takes the queue `rerank`: one job a document. */
export class QueueReranker extends Reranker {
  private toldAtMs = -Infinity;
  private untold = 0;
  private missedInARow = 0;
  private probedAtMs = -Infinity;

  constructor(private readonly options: QueueRerankerOptions) {
    super();
  }

  override async logits(
    request: RerankRequest,
    { lane, signal }: Pick<RerankContext, 'lane' | 'signal'>,
  ): Promise<RerankLogits> {
    const { queue, deadlineMs } = this.options;
    const deadline = lane === 'interactive' ? { deadlineMs } : {};
    if (lane === 'interactive' && this.isHopeless()) throw this.told(nobodyTakesIt());
    try {
      const logits = await queue.run('rerank', request, { lane, signal, ...deadline });
      this.missedInARow = 0;
      return logits;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const failure = unavailable(error);
      this.missedInARow = failure.code === 'deadline-exceeded' ? this.missedInARow + 1 : 0;
      throw this.told(failure);
    }
  }

  /** A request that waits for a worker that does not come holds a place that others need. */
  private isHopeless(): boolean {
    if (this.missedInARow < MISSED_BEFORE_OPEN) return false;
    const now = performance.now();
    if (now - this.probedAtMs < PROBE_EVERY_MS) return true;
    this.probedAtMs = now;
    return false;
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

function nobodyTakesIt(): RerankUnavailable {
  return new RerankUnavailable(
    'queue-unavailable',
    'No worker has taken a reranking in time lately: start one with `referent worker`.',
  );
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
