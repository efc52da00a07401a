import { once } from 'node:events';

/** Writes a result, waiting where the reader is slower than we are. */
export async function writeResult(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Writes a line that is no result: progress, hints, reports. */
export function writeNote(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** `referent … | head` closes our output early: that is no error, and there is nobody left to tell. */
export function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
}

/** `process.stdout` as it really is: a pipe or a file has neither of these. */
interface MaybeTerminal {
  readonly isTTY?: boolean;
  readonly hasColors?: () => boolean;
}

/** Colours where the stream is a terminal that has them; Node reads NO_COLOR, FORCE_COLOR and TERM for this. */
export const hasColours = (stream: MaybeTerminal): boolean =>
  stream.isTTY === true && stream.hasColors?.() === true;
