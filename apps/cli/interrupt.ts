import { EXIT, Interrupted } from './exit.js';
import { writeNote } from './output.js';

/**
 * Runs work that can be told to stop. The first Ctrl-C (or SIGTERM) aborts it and waits for it to clean up, a
 * second one ends the process at once. `advice` tells what the stop left behind.
 */
export async function interruptible<T>(
  advice: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    writeNote('\nStopping; Ctrl-C again stops at once.');
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? new Interrupted(`Stopped. ${advice}`) : error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
