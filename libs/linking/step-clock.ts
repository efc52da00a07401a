import { stepTaken } from './linking-events.js';
import { STEPS, type Step, type StepTimings } from './stages.js';

/** Takes the time of each step of one document. A step's time includes its waiting for the model's turn. */
export class StepClock {
  private readonly elapsedMs = new Map<Step, number>();

  async time<T>(step: Step, work: () => T | Promise<T>): Promise<T> {
    const since = performance.now();
    const result = await work();
    const milliseconds = performance.now() - since;
    this.elapsedMs.set(step, (this.elapsedMs.get(step) ?? 0) + milliseconds);
    stepTaken.publish({ step, milliseconds });
    return result;
  }

  timings(): StepTimings {
    const [detect = 0, encode = 0, retrieve = 0, rerank = 0, decide = 0] = STEPS.map((step) =>
      this.elapsedMs.get(step),
    );
    return { detect, encode, retrieve, rerank, decide };
  }
}
