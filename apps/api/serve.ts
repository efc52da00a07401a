import type { Settings } from '../../libs/config/settings.js';
import { createApi } from './create-api.js';
import { stopSignal } from './stop-signal.js';

/** What is printed when the server can be reached at `url`. */
export type Welcome = (url: string) => string | Promise<string>;

const plainWelcome: Welcome = (url) => `Referent listens on ${url} (docs: ${url}/docs)\n`;

/** Serves until SIGTERM or Ctrl-C, then closes in good order; a second signal does not wait for running requests. */
export async function serve(settings: Settings, welcome = plainWelcome): Promise<void> {
  const stopped = stopSignal();
  const api = await createApi(settings);
  const url = await api.listen();
  process.stdout.write(await welcome(url));
  await stopped;
  await api.close();
}
