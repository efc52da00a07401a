import { ReferentError } from '../contract/errors.js';
import type { Lane } from '../contract/jobs.js';

/** Sends one batch and puts its answer in place. */
export type BatchStep = () => Promise<void>;

interface Request {
  readonly lane: Lane;
  /** Advancing it lays out the next batch. */
  readonly steps: Iterator<BatchStep>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  running: number;
  done: boolean;
}

export interface BatchQueueLimits {
  /** Batches sent and not answered: one that runs, and one more so that the engine never waits for its layout. */
  readonly inFlight: number;
  /** Requests taken at once; the next is refused as `busy`. */
  readonly requests: number;
}

export interface Demand {
  /** Requests that have batches left. */
  readonly requests: number;
  readonly batchesInFlight: number;
}

/** Interactive batches that go before a waiting one of the batch lane, at most. */
const PATIENCE = 8;

/**
 * Takes requests of many batches and sends them in turns, a batch of each, so that a short request does not
 * wait behind a long one; those of the batch lane have a turn when no interactive one wants it, and after every
 * `PATIENCE` turns that interactive ones took meanwhile, so that clients without a pause cannot stop them. A batch is laid out
 * when its turn comes, while the one before it is computed.
 */
export class BatchQueue {
  private readonly turns: Readonly<Record<Lane, Request[]>> = { interactive: [], batch: [] };
  private inFlight = 0;
  private open = 0;
  /** Interactive turns since the batch lane waits for one. */
  private passedOver = 0;

  constructor(private readonly limits: BatchQueueLimits) {}

  get demand(): Demand {
    return { requests: this.open, batchesInFlight: this.inFlight };
  }

  /** Resolves when all steps are done; rejects with the first failure, after which no more steps are taken. */
  run(steps: Iterator<BatchStep>, lane: Lane = 'interactive'): Promise<void> {
    if (this.open >= this.limits.requests) return Promise.reject(this.busy());
    this.open++;
    return new Promise((resolve, reject) => {
      this.turns[lane].push({ lane, steps, resolve, reject, running: 0, done: false });
      this.pump();
    });
  }

  private pump(): void {
    while (this.inFlight < this.limits.inFlight) {
      const request = this.next();
      if (request === undefined) return;
      this.take(request);
    }
  }

  private next(): Request | undefined {
    const { interactive, batch } = this.turns;
    const isTurnOfBatch = interactive.length === 0 || this.passedOver >= PATIENCE;
    if (batch.length > 0 && isTurnOfBatch) {
      this.passedOver = 0;
      return batch.shift();
    }
    if (batch.length > 0) this.passedOver++;
    return interactive.shift();
  }

  private take(request: Request): void {
    try {
      const next = request.steps.next();
      if (next.done) {
        request.done = true;
        this.finishIfIdle(request);
        return;
      }
      this.turns[request.lane].push(request);
      this.send(request, next.value);
    } catch (error) {
      this.fail(request, error);
      this.finishIfIdle(request);
    }
  }

  private send(request: Request, step: BatchStep): void {
    this.inFlight++;
    request.running++;
    step()
      .catch((error: unknown) => {
        this.fail(request, error);
      })
      .finally(() => {
        this.inFlight--;
        request.running--;
        this.finishIfIdle(request);
        this.pump();
      });
  }

  private finishIfIdle(request: Request): void {
    if (!request.done || request.running > 0) return;
    this.open--;
    request.resolve();
  }

  private fail(request: Request, reason: unknown): void {
    request.reject(reason);
    request.done = true;
    const turns = this.turns[request.lane];
    const turn = turns.indexOf(request);
    if (turn >= 0) turns.splice(turn, 1);
  }

  private busy(): ReferentError {
    return new ReferentError(
      'busy',
      `${this.open} requests wait for the model (limit ${this.limits.requests}); try again in a moment`,
    );
  }
}
