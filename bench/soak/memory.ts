import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../support/figures.js';
import { processMemory } from '../support/process-memory.js';
import type { ManagedProcess } from '../support/managed-process.js';

/** Megabytes of each process over time: a process that grows for ever shows in the last quarter against the second. */
export class MemoryWatch {
  private readonly samples = new Map<ManagedProcess, { at: number; megabytes: number }[]>();

  async watchUntilOver(processes: readonly ManagedProcess[], isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      for (const process of processes) {
        const ofProcess = this.samples.get(process) ?? [];
        ofProcess.push({
          at: performance.now(),
          megabytes: (await processMemory(process.pid))?.('RssAnon') ?? Number.NaN,
        });
        this.samples.set(process, ofProcess);
      }
      await sleep(500);
    }
  }

  /** Of processes that were never killed. */
  growth(): { process: string; early: number; late: number }[] {
    return [...this.samples]
      .filter(([process]) => process.kills === 0)
      .map(([process, samples]) => {
        const share = (from: number, to: number) =>
          median(
            samples
              .slice(Math.floor(samples.length * from), Math.ceil(samples.length * to))
              .map(({ megabytes }) => megabytes),
          );
        return { process: process.name, early: share(0.25, 0.5), late: share(0.75, 1) };
      });
  }
}
