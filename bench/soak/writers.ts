import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadBalancer } from './load-balancer.js';
import type { Node } from '../support/node.js';
import { diedMeanwhile } from './readers.js';
import type { Tally } from './tally.js';

/** What an entity must be: `null` deleted; two states where a kill left a write without its answer. */
type Expected = readonly (number | null)[];

export interface WriterOptions {
  readonly balancer: LoadBalancer;
  readonly kb: string;
  readonly writer: number;
  readonly tally: Tally;
  readonly isOver: () => boolean;
  /** An entity that is not linked at another node after so many milliseconds is counted as wrong. */
  readonly linkedWithinMs: number;
}

const SYLLABLES = ['zor', 'vak', 'quel', 'lim', 'dra', 'mos', 'pith', 'gren', 'yul', 'tash'];

/** A name that no KB has: the digits of the number, as syllables. */
function nameOf(writer: number, number: number): string {
  const word = (value: number) =>
    Array.from(String(value).padStart(3, '0'), (digit) => SYLLABLES[Number(digit)]).join('');
  const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  return `${capital(word(writer))} ${capital(word(number))}`;
}

/** A client that adds, changes and deletes entities of its own, and looks at once whether they are linked. */
export class Writer {
  /** By id: the value of `data.count` that it must have, null where it must be gone. */
  readonly expected = new Map<string, Expected>();
  private number = 0;

  constructor(private readonly options: WriterOptions) {}

  async writeUntilOver(): Promise<void> {
    while (!this.options.isOver()) {
      const node = await this.options.balancer.next();
      const certain = [...this.expected].filter(([, states]) => states.length === 1);
      const [id, [count] = []] = certain[Math.floor(Math.random() * certain.length)] ?? [];
      const chance = Math.random();
      if (id === undefined || count === undefined || count === null || chance < 0.5) {
        await this.add(node);
      } else if (chance < 0.85) await this.change(node, id, count);
      else await this.remove(node, id, count);
      await sleep(20);
    }
  }

  /** Compares all entities with what a node has. */
  async check(node: Node): Promise<void> {
    const { tally } = this.options;
    for (const [id, states] of this.expected) {
      const { status, body } = await node.ask('GET', this.path(id));
      const entity = (body as { entity?: { data?: { count?: number } } }).entity;
      const found = status === 404 ? null : entity?.data?.count;
      if (found !== undefined && states.includes(found)) continue;
      tally.wrong(
        'writes lost or undone',
        `${id}: expected ${states.join(' or ')}, found ${String(found)} (${status})`,
      );
    }
  }

  private async add(node: Node): Promise<void> {
    const number = this.number++;
    const name = nameOf(this.options.writer, number);
    const id = `soak-${this.options.writer}-${number}`;
    const description = `${name} is a visitor, number ${number} of its group, made for a test of the service.`;
    const entity = { title: name, description, types: ['visitor'], data: { count: 0 } };
    if (!(await this.write(node, { method: 'PUT', id, body: entity, states: [null, 0] }))) return;
    await this.isLinked(node, name, id);
  }

  private async change(node: Node, id: string, count: number): Promise<void> {
    const body = { data: { count: count + 1 } };
    await this.write(node, { method: 'PATCH', id, body, states: [count, count + 1] });
  }

  private async remove(node: Node, id: string, count: number): Promise<void> {
    if (!(await this.write(node, { method: 'DELETE', id, states: [count, null] }))) return;
    const name = nameOf(this.options.writer, Number(id.split('-')[2]));
    const linked = await this.linkedTo(node, name);
    if (linked === id)
      this.options.tally.wrong('deleted and linked', `${id} at ${node.process.name}`);
  }

  /** Whether it was acknowledged. `states`: before and after; both are possible where no answer came. */
  private async write(
    node: Node,
    {
      method,
      id,
      body,
      states,
    }: { method: string; id: string; body?: unknown; states: [number | null, number | null] },
  ): Promise<boolean> {
    const { tally } = this.options;
    const began = performance.now();
    this.expected.set(id, states);
    try {
      const answer = await node.ask(method, this.path(id), body);
      if (answer.status >= 300) {
        tally.wrong('write failed', `${method} ${answer.status} ${JSON.stringify(answer.body)}`);
        return false;
      }
      this.expected.set(id, [states[1]]);
      tally.did('writes acknowledged');
      tally.took('write', performance.now() - began);
      return true;
    } catch (error) {
      if (diedMeanwhile(node, began)) tally.did('writes of a killed process');
      else tally.wrong('write broke off', String(error));
      return false;
    }
  }

  /** At once at the node that acknowledged it, and soon at the others. */
  private async isLinked(node: Node, name: string, id: string): Promise<void> {
    const { tally, balancer, linkedWithinMs } = this.options;
    const acknowledged = performance.now();
    const linked = await this.linkedTo(node, name);
    if (linked !== undefined && linked !== id) {
      tally.wrong(
        'acknowledged and not linked',
        `${name} at ${node.process.name}: ${String(linked)}`,
      );
    }
    for (const other of balancer.nodes.filter((each) => each !== node && each.isReady)) {
      while ((await this.linkedTo(other, name)) !== id && other.isReady) {
        if (performance.now() - acknowledged > linkedWithinMs) {
          const where = `${name} at ${other.process.name} after ${linkedWithinMs / 1_000} s`;
          tally.wrong('not linked at another node', where);
          return;
        }
        await sleep(20);
      }
      tally.took('linkable at another node', performance.now() - acknowledged);
    }
  }

  /** Undefined where the node died or refused meanwhile: that is counted elsewhere. */
  private async linkedTo(node: Node, name: string): Promise<string | null | undefined> {
    const text = `We met ${name} yesterday.`;
    const mentions = [{ start: 7, end: 7 + name.length }];
    const options = { rerank: 'none', minConfidence: 0 };
    try {
      const body = { text, mentions, kb: this.options.kb, options };
      const answer = await node.ask('POST', '/v1/annotate', body);
      if (answer.status !== 200) return undefined;
      return (answer.body as { links: { entityId: string | null }[] }).links[0]?.entityId;
    } catch {
      return undefined;
    }
  }

  private path(id: string): string {
    return `/v1/entities/${id}?kb=${this.options.kb}`;
  }
}
