import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagedProcess } from './managed-process.js';

const READY_WITHIN_MS = 120_000;

/** What a request came to. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** An API process as a load balancer sees it: it gets requests while /health/ready says yes. */
export class Node {
  isReady = false;

  constructor(readonly process: ManagedProcess) {}

  get url(): string {
    return this.process.said;
  }

  async untilReady(): Promise<void> {
    const until = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const response = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      const problem = await response?.text();
      if (response?.ok === true) break;
      if (performance.now() > until) {
        throw new Error(
          `${this.process.name} is never ready: ${problem ?? 'it cannot be reached'}`,
        );
      }
      await sleep(10);
    }
    this.isReady = true;
  }

  async killAndRestart(): Promise<void> {
    this.isReady = false;
    await this.process.killAndRestart();
    await this.untilReady();
  }

  /** Fails where the connection does. */
  async ask(method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    const isJson = /[/+]json/u.test(response.headers.get('content-type') ?? '') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? (JSON.parse(text) as unknown) : text,
    };
  }
}
