import { ReferentError } from '../contract/errors.js';
import type { ReadyResponse } from '../contract/responses.js';
import { untakenQueues, untakenText } from '../queue/untaken-queues.js';
import type { QueueCounts } from '../queue/work-queue.js';
import { inTime } from './in-time.js';

export interface ReadinessSources {
  readonly kbs: KbsLike;
  /** Where jobs go through a queue that can be away. */
  readonly queue?: { counts(): Promise<readonly QueueCounts[]> };
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
    const queues = await this.lookAtQueues();
    const troubles = [this.storeTrouble(), queues.trouble].flatMap((one) => one ?? []);
    const warnings = [...ready.warnings, ...troubles];
    return { ...ready, warnings, ...(queues.workers && { queues: queues.workers }) };
  }

  private storeTrouble(): string | null {
    const seconds = this.sources.kbs.secondsSinceLook();
    if (seconds === null || seconds < LATE_SECONDS) return null;
    return `The stores were last read ${Math.round(seconds)} s ago: changes since then may be missing.`;
  }

  private async lookAtQueues(): Promise<QueuesSeen> {
    const { queue } = this.sources;
    if (queue === undefined) return { trouble: null };
    const counts = await inTime(queue.counts(), QUEUE_PATIENCE_MS);
    if (counts === null) return { trouble: UNREACHABLE };
    const untaken = untakenQueues(counts);
    return {
      trouble: untaken.length === 0 ? null : untakenText(untaken),
      workers: Object.fromEntries(counts.map((one) => [one.queue, { workers: one.workers }])),
    };
  }
}

interface QueuesSeen {
  readonly trouble: string | null;
  readonly workers?: NonNullable<ReadyResponse['queues']>;
}

const UNREACHABLE =
  'The job queues cannot be reached: links are made without the cross-encoder, and jobs wait.';
