import type { Settings } from '../../libs/config/settings.js';
import { createApi } from './create-api.js';

/** Serves until SIGTERM or Ctrl-C, then closes in good order; a second signal ends the process at once. */
export async function serve(settings: Settings): Promise<void> {
  const api = await createApi(settings);
  const url = await api.listen();
  process.stdout.write(`Referent listens on ${url} (docs: ${url}/docs)\n`);
  await stopSignal();
  await api.close();
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.once('SIGTERM', () => process.exit(143));
      process.once('SIGINT', () => process.exit(130));
      resolve();
    };
    let stopped = false;
    const first = () => {
      if (!stopped) stop();
      stopped = true;
    };
    process.once('SIGTERM', first);
    process.once('SIGINT', first);
  });
}
