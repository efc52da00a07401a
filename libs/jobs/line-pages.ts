import type { JsonLine } from './json-lines.js';

/** A page is a transaction: large enough that its flush costs a line little, small enough to hold nobody up. */
const PAGE_LINES = 256;
const PAGE_BYTES = 4 * 1024 * 1024;

/**
 * Lines in pages: as many as are there when the next page is asked for, so that a slow client has its line written at
 * once, and a fast one whole pages. What is read ahead is bounded by a page.
 */
export class LinePages implements AsyncIterable<readonly JsonLine[]> {
  private lines: JsonLine[] = [];
  private bytes = 0;
  private isDone = false;
  private failure: { readonly error: unknown } | null = null;
  private wakeReader: () => void = () => undefined;
  private wakeWriter: () => void = () => undefined;
  private isStopped = false;

  constructor(private readonly source: AsyncGenerator<Iterable<JsonLine>>) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly JsonLine[]> {
    void this.read();
    try {
      for (;;) {
        while (this.lines.length === 0 && !this.isDone) await this.something();
        if (this.lines.length > 0) yield this.take();
        else if (this.failure !== null) throw this.failure.error;
        else return;
      }
    } finally {
      this.isStopped = true;
      this.wakeReader();
    }
  }

  private async read(): Promise<void> {
    try {
      for await (const lines of this.source) {
        for (const line of lines) {
          while (this.isFull && !this.isStopped) await this.room();
          if (this.isStopped) return;
          this.lines.push(line);
          this.bytes += line.size;
          this.wakeWriter();
        }
      }
    } catch (error) {
      this.failure = { error };
    } finally {
      this.isDone = true;
      this.wakeWriter();
    }
  }

  private get isFull(): boolean {
    return this.lines.length >= PAGE_LINES || this.bytes >= PAGE_BYTES;
  }

  private take(): readonly JsonLine[] {
    const page = this.lines;
    this.lines = [];
    this.bytes = 0;
    this.wakeReader();
    return page;
  }

  private something(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeWriter = resolve;
    });
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeReader = resolve;
    });
  }
}
