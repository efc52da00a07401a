import { setTimeout as sleep } from 'node:timers/promises';
import type { Node } from '../support/node.js';

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
