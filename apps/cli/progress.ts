/** Where progress is drawn: `process.stderr`, or a stand-in in tests. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly label: string;
  /** What is counted: "entities", "mentions". */
  readonly unit: string;
  readonly stream?: ProgressStream;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

export interface ProgressState {
  readonly done: number;
  /** null where the total is not known (a stream). */
  readonly total: number | null;
  /** What is being done, where that changes on the way. */
  readonly phase?: string;
  /** Done a second, where the worker knows better than an average from the start. */
  readonly rate?: number;
}

const REDRAW_MS = 100;
const SPARSE_MS = 10_000;
const BAR_CELLS = 24;

/** A bar that redraws itself on a terminal; elsewhere a line every ten seconds and one at the end. */
export class ProgressBar {
  readonly #options: Required<ProgressOptions>;
  readonly #startedAt: number;
  #drawnAt: number;

  constructor(options: ProgressOptions) {
    this.#options = { stream: process.stderr, now: () => performance.now(), ...options };
    this.#startedAt = this.#options.now();
    this.#drawnAt = this.#startedAt - (this.#isTerminal ? REDRAW_MS : 0);
  }

  update(state: ProgressState): void {
    const now = this.#options.now();
    if (now - this.#drawnAt < (this.#isTerminal ? REDRAW_MS : SPARSE_MS)) return;
    this.#drawnAt = now;
    this.#write(this.#line(state));
  }

  /** Draws the last state and leaves it standing. */
  finish(state: ProgressState): void {
    this.#write(this.#line(state));
    if (this.#isTerminal) this.#options.stream.write('\n');
  }

  /** Takes the bar away, for a message in its place. */
  clear(): void {
    if (this.#isTerminal) this.#options.stream.write('\r\u001b[2K');
  }

  get #isTerminal(): boolean {
    return this.#options.stream.isTTY === true;
  }

  #line({ done, total, phase, rate = this.#meanRate(done) }: ProgressState): string {
    const { label, unit } = this.#options;
    const count = total === null ? grouped(done) : `${grouped(done)} of ${grouped(total)}`;
    const isGoingOn = total !== null && done < total && rate > 0;
    const time = isGoingOn
      ? `${duration((total - done) / rate)} left`
      : duration(this.#secondsFromStart());
    const figures = [`${count} ${unit}`, `${perSecond(rate)}/s`, time].join(', ');
    const name = phase ?? label;
    return `${name} ${this.#bar({ done, total }, name.length + figures.length)}${figures}`;
  }

  #meanRate(done: number): number {
    const seconds = this.#secondsFromStart();
    return seconds > 0 ? done / seconds : 0;
  }

  #secondsFromStart(): number {
    return (this.#options.now() - this.#startedAt) / 1000;
  }

  /** As much of a bar as the terminal has room for beside `taken` characters. */
  #bar({ done, total }: ProgressState, taken: number): string {
    const columns = this.#options.stream.columns ?? 80;
    const cells = Math.min(BAR_CELLS, columns - taken - ' 100 %  '.length - 2);
    if (!this.#isTerminal || total === null || cells < 8) return '';
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const full = Math.round(share * cells);
    return `${'█'.repeat(full)}${'░'.repeat(cells - full)} ${Math.floor(share * 100)} % `;
  }

  #write(line: string): void {
    const { stream } = this.#options;
    if (!this.#isTerminal) stream.write(`${line}\n`);
    else stream.write(`\r\u001b[2K${line.slice(0, (stream.columns ?? 80) - 1)}`);
  }
}

export const grouped = (count: number): string => count.toLocaleString('en-US');

/** Slow work would otherwise read "0/s". */
const perSecond = (rate: number): string =>
  rate < 10 ? rate.toFixed(1) : grouped(Math.round(rate));

/** "8 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
