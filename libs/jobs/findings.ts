import type { StoreFinding } from '../kb/kb-store.js';

/** Problems told of one check; the others are counted. */
const TOLD = 20;

/** Gathers what one check finds. */
export class Findings {
  /** Things looked at. */
  checked = 0;
  private count = 0;
  private readonly problems: string[] = [];
  private readonly notes: string[] = [];

  constructor(
    private readonly check: string,
    private readonly remedy: string,
  ) {}

  add(problem: string): void {
    this.count++;
    if (this.problems.length < TOLD) this.problems.push(problem);
  }

  note(text: string): void {
    this.notes.push(text);
  }

  done(): StoreFinding {
    const { check, checked, problems, count, remedy, notes } = this;
    return { check, checked, problems, count, remedy, notes };
  }
}
