/** What went wrong, kept with an example of each kind, and what was done. */
export class Tally {
  readonly counts = new Map<string, number>();
  readonly problems = new Map<string, { count: number; readonly example: string }>();
  private readonly samples = new Map<string, number[]>();

  did(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  wrong(what: string, example: string): void {
    const known = this.problems.get(what);
    if (known === undefined) this.problems.set(what, { count: 1, example: example.slice(0, 500) });
    else known.count += 1;
  }

  took(what: string, milliseconds: number): void {
    const samples = this.samples.get(what) ?? [];
    samples.push(milliseconds);
    this.samples.set(what, samples);
  }

  millisecondsOf(what: string): readonly number[] {
    return this.samples.get(what) ?? [];
  }
}
