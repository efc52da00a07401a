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

async function annotate({ url, rerank = 'adaptive' }: Load, text: string): Promise<void> {
  const response = await fetch(`${url}/v1/annotate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text, options: { rerank } }),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`/v1/annotate answered ${response.status}: ${answer}`);
}
