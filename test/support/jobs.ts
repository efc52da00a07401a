import { setTimeout as sleep } from 'node:timers/promises';
import { job, jobsResponse, type JobResponse } from '../../libs/contract/batches.js';

interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What tests do with jobs of a running service. */
export interface JobTools {
  readonly send: (
    body: string | Uint8Array,
    query?: string,
    init?: { readonly headers?: Readonly<Record<string, string>> },
  ) => Promise<Sent>;
  readonly get: (id: string) => Promise<JobResponse>;
  /** The job, once it has ended. */
  readonly ended: (id: string) => Promise<JobResponse>;
  readonly results: (id: string, query?: string) => Promise<string>;
  /** All that comes, and when each `progress` came. */
  readonly events: (id: string) => Promise<{ text: string; times: readonly number[] }>;
  readonly count: () => Promise<number>;
}

export const jobLines = (documents: readonly object[]): string =>
  documents.map((one) => `${JSON.stringify(one)}\n`).join('');

export function jobTools(url: string): JobTools {
  const jobs = `${url}/v1/jobs`;
  const get = async (id: string) => job.parse(await (await fetch(`${jobs}/${id}`)).json());
  return {
    send: async (body, query = '', { headers = {} } = {}) => {
      const response = await fetch(jobs + query, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-ndjson', ...headers },
        body: body as Exclude<RequestInit['body'], undefined>,
      });
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
    get,
    ended: async (id) => {
      for (;;) {
        const now = await get(id);
        if (now.finishedAt !== null) return now;
        await sleep(50);
      }
    },
    results: async (id, query = '') => (await fetch(`${jobs}/${id}/results${query}`)).text(),
    events: async (id) => {
      const { body } = await fetch(`${jobs}/${id}/events`);
      const times: number[] = [];
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of body ?? []) {
        const piece = decoder.decode(chunk as Uint8Array, { stream: true });
        if (piece.startsWith('event: progress')) times.push(performance.now());
        text += piece;
      }
      return { text, times };
    },
    count: async () =>
      jobsResponse.parse(await (await fetch(`${jobs}?limit=1000`)).json()).jobs.length,
  };
}

/** Waits until the condition holds. */
export async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
