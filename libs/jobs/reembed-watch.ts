import { ReferentError } from '../contract/errors.js';
import type { KbStore, ModelState, Reembedding } from '../kb/kb-store.js';

const LOOK_EVERY_MS = 500;

/** The re-embedding was cancelled, stopped or done by somebody else: there is nothing left to do here. */
export class NoLongerAsked extends ReferentError {
  constructor() {
    super('not-ready', 'The re-embedding is no longer under way.');
    this.name = 'NoLongerAsked';
  }
}

/** The one that runs; null where none does, or one that has stopped. */
export function runningIn({ reembedding }: ModelState): Reembedding | null {
  return reembedding?.problem === null ? reembedding : null;
}

/** Whether a re-embedding is still asked for, looked up again and again beside long work. */
export class ReembedWatch {
  private isOver = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly store: KbStore,
    private readonly target: string,
    private readonly signal: AbortSignal,
  ) {
    this.timer = setInterval(() => void this.look().catch(() => undefined), LOOK_EVERY_MS).unref();
  }

  /** Looks now. @throws NoLongerAsked, or the signal's reason. */
  async check(): Promise<void> {
    await this.look();
    this.assertGoingOn();
  }

  /** As of the last look. @throws NoLongerAsked, or the signal's reason. */
  assertGoingOn(): void {
    this.signal.throwIfAborted();
    if (this.isOver) throw new NoLongerAsked();
  }

  end(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const running = runningIn(await this.store.models.state());
    this.isOver = running?.target !== this.target;
  }
}
