import { ReferentError } from '../../../libs/contract/errors.js';

/** More work than the line holds. `retryAfterSeconds` is a guess from how long documents took lately. */
export class BusyError extends ReferentError {
  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super('busy', message);
    this.name = 'BusyError';
  }
}

interface WorkLineOptions {
  /** Documents worked on at the same time. */
  readonly concurrent: number;
  /** Requests that may be here beyond that, their bodies in memory. */
  readonly waiting: number;
  /** The setting that makes it longer; default: REFERENT_MAX_WAITING. */
  readonly setting?: string;
}

/** How full a line is. */
export interface LineState {
  /** Requests from before their body is read until they are answered. */
  readonly requests: number;
  /** Documents that are worked on. */
  readonly working: number;
  /** Requests that were refused since the start. */
  readonly refused: number;
}

type Start = () => void;

/**
 * The way in. A request is counted from before its body is read until it is answered, so that memory is
 * bounded by requests × body limit; its documents then take turns, first come, first served.
 */
export class WorkLine {
  private requests = 0;
  private working = 0;
  private refused = 0;
  private readonly line: Start[] = [];
  private millisecondsPerDocument = 100;

  constructor(private readonly options: WorkLineOptions) {}

  /** How many documents may be worked on at the same time. */
  get width(): number {
    return this.options.concurrent;
  }

  get state(): LineState {
    return { requests: this.requests, working: this.working, refused: this.refused };
  }

  /**
   * Counts a request in; the returned function counts it out (again is harmless).
   * @throws BusyError where the line is full.
   */
  enter(): () => void {
    if (this.requests >= this.options.concurrent + this.options.waiting) throw this.busy();
    this.requests += 1;
    let inside = true;
    return () => {
      if (inside) this.requests -= 1;
      inside = false;
    };
  }

  /** Does the work of one document when its turn comes; an aborted caller leaves the line. */
  async turn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.slot(signal);
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.learn(performance.now() - started);
      this.release();
    }
  }

  private slot(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.working < this.options.concurrent) {
      this.working += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.line.splice(this.line.indexOf(start), 1);
        reject(signal.reason as Error);
      };
      const start = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.line.push(start);
    });
  }

  /** Hands the slot to the next in line, or gives it back. */
  private release(): void {
    const next = this.line.shift();
    if (next === undefined) this.working -= 1;
    else next();
  }

  private learn(milliseconds: number): void {
    this.millisecondsPerDocument += 0.1 * (milliseconds - this.millisecondsPerDocument);
  }

  private busy(): BusyError {
    const { concurrent, waiting, setting = 'REFERENT_MAX_WAITING' } = this.options;
    this.refused += 1;
    const wait = (this.requests * this.millisecondsPerDocument) / concurrent / 1000;
    const seconds = Math.min(60, Math.max(1, Math.ceil(wait)));
    return new BusyError(
      `${this.requests} requests are here and the most is ${concurrent + waiting}: try again in ${seconds} s, ` +
        `or raise ${setting}.`,
      seconds,
    );
  }
}

/** Works on all items, `width` at a time, and answers in their order; after a failure nothing new is begun. */
export async function mapInOrder<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const entries = items.entries();
  let failed = false;
  const lane = async () => {
    for (const [at, item] of entries) {
      if (failed) return;
      results[at] = await work(item);
    }
  };
  const watched = () =>
    lane().catch((error: unknown) => {
      failed = true;
      throw error;
    });
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, watched));
  return results;
}
