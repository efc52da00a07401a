/**
 * - read: records are read and staged; nothing needs encoding so far
 * - encode: the same, while the model encodes (what takes the time)
 * - index, commit: on all entities of the KB, and on the changed ones
 */
export type ImportPhase = 'read' | 'encode' | 'index' | 'commit';

export interface ImportProgress {
  readonly phase: ImportPhase;
  /** Records or entities finished in this phase. */
  readonly done: number;
  /** How many there will be: while reading estimated from the bytes; null where that is not known either (stdin). */
  readonly total: number | null;
  /** Finished a second over the last ten seconds. */
  readonly rate: number;
  readonly etaSeconds: number | null;
  /** Of the sources as they are on disk, compressed or not. */
  readonly bytes: { readonly read: number; readonly total: number | null };
}

export type OnImportProgress = (progress: ImportProgress) => void;

const WINDOW_MS = 10_000;

interface Sample {
  readonly at: number;
  readonly done: number;
}

/** Turns counts into progress with a rate and a time left. */
export class ProgressMeter {
  private phase: ImportPhase = 'read';
  private samples: Sample[] = [{ at: performance.now(), done: 0 }];
  private bytesRead = 0;

  constructor(
    private readonly bytesTotal: number | null,
    private readonly onProgress: OnImportProgress,
  ) {}

  /** While reading: `done` of the `taken` records that the bytes gave are finished. */
  reading(phase: 'read' | 'encode', done: number, taken: { records: number; bytes: number }): void {
    this.bytesRead = taken.bytes;
    const share = this.bytesTotal === null ? 0 : taken.bytes / this.bytesTotal;
    this.report(phase, done, share > 0 ? Math.max(done, Math.round(taken.records / share)) : null);
  }

  report(phase: ImportPhase, done: number, total: number | null): void {
    const isReading = (name: ImportPhase) => name === 'read' || name === 'encode';
    if (phase !== this.phase && !(isReading(phase) && isReading(this.phase))) this.samples = [];
    this.phase = phase;
    const rate = this.rateAt(done);
    this.onProgress({
      phase,
      done,
      total,
      rate,
      etaSeconds: total === null || rate === 0 ? null : (total - done) / rate,
      bytes: { read: this.bytesRead, total: this.bytesTotal },
    });
  }

  private rateAt(done: number): number {
    const at = performance.now();
    this.samples.push({ at, done });
    while (this.samples.length > 2 && at - (this.samples[0]?.at ?? at) > WINDOW_MS) {
      this.samples.shift();
    }
    const first = this.samples[0];
    const ms = first === undefined ? 0 : at - first.at;
    return first === undefined || ms <= 0 ? 0 : ((done - first.done) / ms) * 1000;
  }
}
