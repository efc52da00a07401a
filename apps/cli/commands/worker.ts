import { work } from '../../worker/work.js';
import { settingsFor, type GlobalOptions } from '../settings.js';

export interface WorkerOptions extends GlobalOptions {
  readonly queues?: readonly string[];
  readonly concurrency?: number;
  readonly port?: number;
}

/** `referent worker`: takes jobs until Ctrl-C or SIGTERM. */
export async function worker(options: WorkerOptions): Promise<void> {
  const { queues, concurrency, port, ...others } = options;
  await work(settingsFor(others), { queues, concurrency, port });
}
