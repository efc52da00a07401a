import type { WorkerOptions } from 'node:worker_threads';

/** Where the inference thread starts. */
export interface WorkerEntry {
  readonly url: URL;
  readonly options: WorkerOptions;
}

/**
 * The compiled worker beside this file. When this file itself runs from TypeScript source (under Jest), the
 * worker does too, through a loader: no build can be stale, and Node 20 loads no TypeScript by itself.
 */
export function inferenceWorkerEntry(): WorkerEntry {
  const fromSource = import.meta.url.endsWith('.ts');
  if (!fromSource) {
    return { url: new URL('inference-worker.js', import.meta.url), options: { execArgv: [] } };
  }
  const loader = new URL('../../test/support/typescript-loader.mjs', import.meta.url);
  return {
    url: new URL('inference-worker.ts', import.meta.url),
    options: { execArgv: ['--no-warnings', '--import', loader.href] },
  };
}
