import { openCatalog } from '../../../libs/kb/open-catalog.js';
import type { Settings } from '../../../libs/config/settings.js';
import { serve as serveApi } from '../../api/serve.js';
import { settingsFor, type GlobalOptions } from '../settings.js';

export interface ServeOptions extends GlobalOptions {
  readonly port?: number;
}

/** `referent serve`: the API until Ctrl-C or SIGTERM, with a word on what to do next. */
export async function serve(options: ServeOptions): Promise<void> {
  const settings = settingsFor(options);
  await serveApi(settings, async (url) => welcome(url, await kbNames(settings)));
}

async function kbNames(settings: Settings): Promise<readonly string[]> {
  const catalog = openCatalog(settings);
  try {
    const kbs = await catalog.list();
    return kbs.filter(({ sequence }) => sequence > 0).map(({ name }) => name);
  } finally {
    await catalog.close();
  }
}

/** Ready to be pasted. */
function welcome(url: string, kbs: readonly string[]): string {
  const head = `Referent listens on ${url} (Ctrl-C stops it)\nDocs: ${url}/docs\n`;
  const kb = kbs.includes('demo') ? 'demo' : kbs[0];
  if (kb === undefined) return `${head}There is no KB yet: npx referent import FILE --kb NAME\n`;
  const text = 'Mercury is the closest planet to the Sun, and Java is an island of Indonesia.';
  const body = JSON.stringify({ text, kb });
  const curl = `curl -s ${url}/v1/annotate -H 'content-type: application/json' -d '${body}'`;
  return `${head}Try it in another terminal:\n\n  ${curl}\n\n`;
}
