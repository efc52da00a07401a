import type { ReembeddingPhase } from '../contract/models-api.js';
import type { KbStore } from '../kb/kb-store.js';

const REPORT_EVERY_MS = 1_000;
const WINDOW_MS = 10_000;

interface Sample {
  readonly at: number;
  readonly done: number;
}

/** Writes down how far a re-embedding is, once a second at most, for whoever asks in whichever process. */
export class ReembedMeter {
  encoded = 0;
  recall: number | null = null;
  private phase: ReembeddingPhase = 'embed';
  private samples: Sample[] = [];
  private reportedAt = -Infinity;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: KbStore,
    private readonly target: string,
  ) {}

  /** The first and the last word of a phase are written at once. */
  say(phase: ReembeddingPhase, done: number, total: number): void {
    const now = performance.now();
    const isNew = phase !== this.phase || this.samples.length === 0;
    if (isNew) this.samples = [];
    this.phase = phase;
    this.samples.push({ at: now, done });
    while (this.samples.length > 2 && now - (this.samples[0]?.at ?? now) > WINDOW_MS) {
      this.samples.shift();
    }
    const isLast = done >= total;
    if (!isNew && !isLast && now - this.reportedAt < REPORT_EVERY_MS) return;
    this.reportedAt = now;
    this.write(done, total);
  }

  /** Waits for what is being written. */
  settled(): Promise<void> {
    return this.writing;
  }

  private write(done: number, total: number): void {
    const perSecond = this.rate();
    const progress = {
      phase: this.phase,
      done: Math.min(done, total),
      total,
      perSecond,
      secondsLeft: perSecond === null ? null : Math.round(Math.max(0, total - done) / perSecond),
      encoded: this.encoded,
      recall: this.recall,
      at: new Date().toISOString(),
    };
    // Who cannot write down how far it is will fail at what it does, and say so there.
    const write = () => this.store.models.report(this.target, progress).catch(() => undefined);
    this.writing = this.writing.then(write);
  }

  private rate(): number | null {
    const [first] = this.samples;
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return null;
    const perSecond = ((last.done - first.done) / (last.at - first.at)) * 1000;
    return perSecond > 0 ? Math.round(perSecond * 10) / 10 : null;
  }
}
