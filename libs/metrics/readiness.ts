import { ReferentError } from '../contract/errors.js';
import type { ReadyResponse } from '../contract/responses.js';
import { inTime } from './in-time.js';

export interface ReadinessSources {
  readonly kbs: KbsLike;
  /** Where jobs go through a queue that can be away. */
  readonly queue?: { counts(): Promise<unknown> };
  readonly isEnding: () => boolean;
}

interface KbsLike {
  /** Throws `not-ready` with the reason. */
  readiness(): ReadyResponse;
  secondsSinceLook(): number | null;
}

/** Stores are asked twice a second; after so long without an answer something is wrong. */
const LATE_SECONDS = 10;
const QUEUE_PATIENCE_MS = 1_000;

/**
 * Ready is what can make links, and is not about to end. A queue or a store that is away makes it no less ready: what is
 * open is served on, and all nodes would be taken out of service together for what none of them can help. It is said,
 * so that somebody can be woken.
 */
export class Readiness {
  constructor(private readonly sources: ReadinessSources) {}

  /** @throws ReferentError `not-ready` */
  async ready(): Promise<ReadyResponse> {
    const { kbs, isEnding } = this.sources;
    if (isEnding()) throw new ReferentError('not-ready', 'The server is about to end.');
    const ready = kbs.readiness();
    const troubles = [this.storeTrouble(), await this.queueTrouble()].flatMap((one) => one ?? []);
    return { ...ready, warnings: [...ready.warnings, ...troubles] };
  }

  private storeTrouble(): string | null {
    const seconds = this.sources.kbs.secondsSinceLook();
    if (seconds === null || seconds < LATE_SECONDS) return null;
    return `The stores were last read ${Math.round(seconds)} s ago: changes since then may be missing.`;
  }

  private async queueTrouble(): Promise<string | null> {
    const { queue } = this.sources;
    if (queue === undefined || (await inTime(queue.counts(), QUEUE_PATIENCE_MS)) !== null)
      return null;
    return 'The job queues cannot be reached: links are made without the cross-encoder, and jobs wait.';
  }
}
