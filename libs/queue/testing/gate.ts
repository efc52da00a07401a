import type { Handlers } from '../work-queue.js';

export type Annotate = Handlers['annotate'];

export const DONE = { done: 1, failed: 0 };

/** A handler that a test lets go on, job by job. */
export class Gate {
  readonly begun: number[] = [];
  private readonly open = new Map<number, () => void>();
  private all = false;

  readonly handler: Annotate = async ({ from }) => {
    this.begun.push(from);
    if (!this.all) await new Promise<void>((resolve) => this.open.set(from, resolve));
    return DONE;
  };

  release(): void {
    this.all = true;
    for (const go of this.open.values()) go();
  }
}

/** Waits until the condition holds; fails when it does not in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs = 15_000,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`It did not come to be in ${withinMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
