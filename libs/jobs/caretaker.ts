import type { QueueLog } from '../queue/queue-log.js';

/** So often is looked whether what must be going on is going on. */
const LOOK_EVERY_MS = 5_000;

/** Sees to something that must be going on; doing so twice, or in two processes at once, does no harm. */
export type Care = () => Promise<void>;

/**
 * Looks every few seconds after work that must not stop: a Redis that was restarted empty has lost the jobs that
 * carry it, and whoever knows what is to be done adds them again (`WorkQueue.add` adds no job that is there).
 */
export class Caretaker {
  private readonly cares = new Map<string, Care>();
  private readonly broken = new Set<string>();
  private looking: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(
    private readonly log: QueueLog,
    private readonly everyMs = LOOK_EVERY_MS,
  ) {}

  /** @throws Error where the name is taken: a mistake in the composition. */
  register(name: string, care: Care): void {
    if (this.cares.has(name)) throw new Error(`'${name}' is looked after already.`);
    this.cares.set(name, care);
  }

  start(): void {
    this.looking = this.lookAfterAll().finally(() => {
      if (this.closing) return;
      this.timer = setTimeout(() => {
        this.start();
      }, this.everyMs);
      this.timer.unref();
    });
  }

  /** Waits for the look that is going on. */
  async close(): Promise<void> {
    this.closing = true;
    clearTimeout(this.timer);
    await this.looking;
  }

  private async lookAfterAll(): Promise<void> {
    for (const [name, care] of this.cares) {
      if (this.closing) return;
      await this.lookAfter(name, care);
    }
  }

  /** What fails is looked after again the next time; it is told of once until it goes well. */
  private async lookAfter(name: string, care: Care): Promise<void> {
    try {
      await care();
      this.broken.delete(name);
    } catch (error) {
      if (!this.broken.has(name)) this.log.error(error, { component: 'caretaker', care: name });
      this.broken.add(name);
    }
  }
}
