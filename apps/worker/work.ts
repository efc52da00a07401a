import type { Settings } from '../../libs/config/settings.js';
import { JsonLog } from '../api/http/json-log.js';
import { stopSignal } from '../api/stop-signal.js';
import { openProbes, type Probes, type ProbesOptions } from './probes.js';
import { ReferentWorker, type WorkerChoice } from './referent-worker.js';

/** Takes jobs until SIGTERM or Ctrl-C, then ends in good order; a second signal does not wait for running jobs. */
export async function work(settings: Settings, choice: WorkerChoice = {}): Promise<void> {
  const stopped = stopSignal();
  const log = new JsonLog(settings.logLevel);
  for (const warning of settings.warnings) log.warn(warning);
  const worker = await ReferentWorker.start(settings, choice, log);
  const probes = await openProbesOf(worker, { settings, log, port: choice.port });
  process.stdout.write(welcome(worker, settings));
  if (probes !== null) process.stdout.write(`Health and metrics: port ${probes.port}\n`);
  await stopped;
  probes?.end();
  await worker.close(settings.shutdownMs);
  await probes?.close();
  // While Redis is gone BullMQ keeps timers of its own.
  process.exit();
}

async function openProbesOf(
  worker: ReferentWorker,
  { port, ...options }: Omit<ProbesOptions, 'port'> & { readonly port: number | undefined },
): Promise<Probes | null> {
  if (port === undefined) return null;
  try {
    return await openProbes(worker.watched, { ...options, port });
  } catch (error) {
    await worker.close(0);
    throw error;
  }
}

/** Ready to take jobs; without the address, which may hold a password. */
function welcome({ queues, concurrency }: ReferentWorker, { queue }: Settings): string {
  const taken = queues.map((name) => `${name} (${concurrency[name]} at a time)`).join(', ');
  return `Referent worker takes ${taken} of '${queue.prefix}' at REDIS_URL (Ctrl-C stops it)\n`;
}
