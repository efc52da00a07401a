import { createApi } from '../../api/create-api.js';
import { ReferentError } from '../../../libs/contract/errors.js';
import { SqliteCatalog } from '../../../libs/kb/sqlite-catalog.js';
import { EXIT } from '../exit.js';
import { writeResult } from '../output.js';
import { settingsFor, type GlobalOptions } from '../settings.js';

export interface ServeOptions extends GlobalOptions {
  readonly port?: number;
}

/** `referent serve`: until Ctrl-C or SIGTERM; a second one does not wait for running requests. */
export async function serve(options: ServeOptions): Promise<void> {
  const settings = settingsFor(options);
  const stopped = stopSignal();
  const api = await createApi(settings);
  const url = await api.listen().catch(async (error: unknown) => {
    await api.close();
    throw portProblem(error, settings.port);
  });
  await writeResult(`${welcome(url, await kbNames(settings.dataDir))}\n`);
  await stopped;
  await api.close();
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let isSecond = false;
    const stop = (): void => {
      if (isSecond) process.exit(EXIT.interrupted);
      isSecond = true;
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
}

function portProblem(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    const remedy = `stop the program that listens there, or take another: PORT=${port + 1} npm start`;
    return new ReferentError('busy', `Port ${port} is taken: ${remedy}.`, { cause: error });
  }
  if (code === 'EACCES') {
    const remedy = 'take one from 1024 up: PORT=3210 npm start';
    return new ReferentError('invalid-input', `Port ${port} may not be opened: ${remedy}.`, {
      cause: error,
    });
  }
  return error;
}

async function kbNames(dataDir: string): Promise<readonly string[]> {
  const catalog = new SqliteCatalog({ dataDir });
  try {
    return (await catalog.list()).map(({ name }) => name);
  } finally {
    await catalog.close();
  }
}

/** What to do next, ready to be pasted. */
function welcome(url: string, kbs: readonly string[]): string {
  const kb = kbs.includes('demo') ? 'demo' : kbs[0];
  if (kb === undefined) {
    return `Referent listens on ${url}\nThere is no KB yet: referent import FILE --kb NAME\nDocs: ${url}/docs`;
  }
  const body = JSON.stringify({
    text: 'Mercury is the closest planet to the Sun, and Java is an island of Indonesia.',
    kb,
  });
  return [
    `Referent listens on ${url} (Ctrl-C stops it)`,
    `Docs: ${url}/docs`,
    'Try it in another terminal:',
    '',
    `  curl -s ${url}/v1/annotate -H 'content-type: application/json' -d '${body}'`,
    '',
  ].join('\n');
}
