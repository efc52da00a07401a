/** One line of a stream, numbered from 1, without its newline; null where it was longer than allowed. */
export interface Line {
  readonly number: number;
  readonly bytes: Buffer | null;
}

const NEWLINE = 0x0a;

/**
 * Splits bytes into lines, as many at a time as a chunk completes. A line of over `maxBytes` is not kept in
 * memory: it comes as null, and the lines after it as usual.
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Line[]> {
  const splitter = new LineSplitter(maxBytes);
  for await (const chunk of chunks) {
    const lines = splitter.push(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last !== undefined) yield [last];
}

class LineSplitter {
  private parts: Buffer[] = [];
  private length = 0;
  private number = 0;

  constructor(private readonly maxBytes: number) {}

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.keep(chunk.subarray(from, at));
      lines.push(this.take());
      from = at + 1;
    }
    this.keep(chunk.subarray(from));
    return lines;
  }

  end(): Line | undefined {
    return this.length > 0 ? this.take() : undefined;
  }

  private keep(part: Buffer): void {
    this.length += part.length;
    if (this.length > this.maxBytes) this.parts = [];
    else if (part.length > 0) this.parts.push(part);
  }

  private take(): Line {
    const [only, ...more] = this.parts;
    const whole = more.length === 0 && only !== undefined ? only : Buffer.concat(this.parts);
    const line = { number: ++this.number, bytes: this.length > this.maxBytes ? null : whole };
    this.parts = [];
    this.length = 0;
    return line;
  }
}
