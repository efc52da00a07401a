import { setTimeout as sleep } from 'node:timers/promises';

/** What clients are asked to do. */
export interface Load {
  readonly url: string;
  readonly texts: readonly string[];
  readonly rerank?: 'none' | 'adaptive';
  readonly clients: number;
  /** It ends at so many requests or after so many milliseconds, whichever is first. */
  readonly requests: number;
  readonly forMilliseconds: number;
}

export interface Loaded {
  /** Milliseconds of each answered request. */
  readonly milliseconds: readonly number[];
  /** Of the whole, all clients together. */
  readonly seconds: number;
}

/** Each client sends its next request when the last one is answered. Fails at the first answer that is not 200. */
export async function annotateUnderLoad(load: Load): Promise<Loaded> {
  const milliseconds: number[] = [];
  const start = performance.now();
  let sent = 0;
  const client = async () => {
    while (sent < load.requests && performance.now() - start < load.forMilliseconds) {
      const text = load.texts[sent++ % load.texts.length] ?? '';
      const since = performance.now();
      await annotate(load, text);
      milliseconds.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: load.clients }, client));
  return { milliseconds, seconds: (performance.now() - start) / 1_000 };
}

export interface Overloaded {
  /** Milliseconds of each request that was answered 200, in the order of the answers. */
  readonly accepted: readonly number[];
  /** How many were answered 429. */
  readonly refused: number;
  readonly seconds: number;
}

/** The same where some are refused: a refused client waits a tenth of a second and sends the next. */
export async function overload(load: Load): Promise<Overloaded> {
  const accepted: number[] = [];
  const start = performance.now();
  let refused = 0;
  let sent = 0;
  const client = async () => {
    while (performance.now() - start < load.forMilliseconds) {
      const text = load.texts[sent++ % load.texts.length] ?? '';
      const since = performance.now();
      const { status, answer } = await ask(load, text);
      if (status === 200) accepted.push(performance.now() - since);
      else if (status === 429) refused += 1;
      else throw new Error(`/v1/annotate answered ${status}: ${answer}`);
      if (status === 429) await sleep(100);
    }
  };
  await Promise.all(Array.from({ length: load.clients }, client));
  return { accepted, refused, seconds: (performance.now() - start) / 1_000 };
}

async function annotate(load: Load, text: string): Promise<void> {
  const { status, answer } = await ask(load, text);
  if (status !== 200) throw new Error(`/v1/annotate answered ${status}: ${answer}`);
}

async function ask({ url, rerank = 'adaptive' }: Load, text: string) {
  const response = await fetch(`${url}/v1/annotate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text, options: { rerank } }),
  });
  return { status: response.status, answer: await response.text() };
}
