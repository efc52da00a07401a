import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagedProcess } from './managed-process.js';

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
    const until = performance.now() + 60_000;
    for (;;) {
      const response = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.ok === true) break;
      if (performance.now() > until)
        throw new Error(`${this.process.name} is not ready after 60 s`);
      await sleep(50);
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

/** One of the nodes that are ready, in turns. */
export class LoadBalancer {
  private turn = 0;

  constructor(readonly nodes: readonly Node[]) {}

  async next(): Promise<Node> {
    for (;;) {
      const ready = this.nodes.filter((node) => node.isReady);
      const node = ready[this.turn++ % Math.max(1, ready.length)];
      if (node !== undefined) return node;
      await sleep(20);
    }
  }
}
