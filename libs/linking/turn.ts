import { setImmediate } from 'node:timers/promises';

/** How long a step may hold the event loop at a stretch, in milliseconds. */
const TURN_MS = 3;

/**
 * Lets a long computation give the event loop back: `await turn.pass()` between small pieces of work
 * returns at once until the turn is used up, then waits for pending events. Throws when the caller has
 * aborted.
 */
export class Turn {
  private since = performance.now();

  constructor(private readonly signal?: AbortSignal) {}

  async pass(): Promise<void> {
    this.signal?.throwIfAborted();
    if (performance.now() - this.since < TURN_MS) return;
    await setImmediate();
    this.since = performance.now();
    this.signal?.throwIfAborted();
  }
}
