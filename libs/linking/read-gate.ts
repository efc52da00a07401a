/**
 * Many readers or one writer: while a reader is inside, what it reads does not change. A waiting writer
 * goes before later readers, so that a busy server still follows its KB.
 */
export class ReadGate {
  private readers = 0;
  /** Settles when the writer that waits or writes is done. */
  private writer: Promise<void> | null = null;
  private onLastReaderGone: () => void = () => undefined;

  async read<T>(work: () => Promise<T>): Promise<T> {
    while (this.writer !== null) await this.writer;
    this.readers += 1;
    try {
      return await work();
    } finally {
      this.readers -= 1;
      if (this.readers === 0) this.onLastReaderGone();
    }
  }

  /** Runs `work`, which must not wait for anything, when no reader is inside. */
  async write(work: () => void): Promise<void> {
    while (this.writer !== null) await this.writer;
    const done = this.alone(work);
    // Readers wait for the end of the writing, whatever its outcome.
    this.writer = done.catch(() => undefined);
    await done;
  }

  private async alone(work: () => void): Promise<void> {
    try {
      await this.noReaders();
      work();
    } finally {
      this.writer = null;
    }
  }

  private async noReaders(): Promise<void> {
    if (this.readers === 0) return;
    await new Promise<void>((resolve) => {
      this.onLastReaderGone = resolve;
    });
  }
}
