import type { Link } from '../../libs/contract/annotate.js';
import type { LoadBalancer } from './load-balancer.js';
import type { Node } from '../support/node.js';
import type { Tally } from './tally.js';

interface AnnotateAnswer {
  readonly links: readonly Pick<Link, 'start' | 'end' | 'entityId' | 'confidence'>[];
  readonly versions: { readonly model: string; readonly index: string };
  readonly degraded?: boolean;
}

interface ReaderOptions {
  readonly balancer: LoadBalancer;
  readonly texts: readonly string[];
  readonly kb: string;
  readonly tally: Tally;
  readonly isOver: () => boolean;
}

const SURE = 0.6;

/** Begins the count of answers of each model. */
export const ANNOTATED_UNDER = 'annotated under ';

/** Of a model and a text, the entity by span. */
type SureLinks = ReadonlyMap<string, string | null>;

/** The sure links that a text had first under each model: later ones of the same model must be the same. */
export type Baselines = Map<string, SureLinks>;

/** A client that annotates one text after another until it is over. */
export async function annotateUntilOver(
  options: ReaderOptions,
  baselines: Baselines,
): Promise<void> {
  const { balancer, texts, isOver } = options;
  while (!isOver()) {
    const text = texts[Math.floor(Math.random() * texts.length)] ?? '';
    await annotateOnce(await balancer.next(), text, options, baselines);
  }
}

async function annotateOnce(
  node: Node,
  text: string,
  { kb, tally }: ReaderOptions,
  baselines: Baselines,
): Promise<void> {
  const began = performance.now();
  try {
    const { status, body } = await node.ask('POST', '/v1/annotate', { text, kb });
    if (status !== 200) {
      tally.wrong('annotate failed', `${status} ${JSON.stringify(body)}`);
      return;
    }
    tally.took('annotate', performance.now() - began);
    judge(text, body as AnnotateAnswer, tally, baselines);
  } catch (error) {
    if (diedMeanwhile(node, began)) tally.did('requests of a killed process');
    else tally.wrong('annotate broke off', String(error));
  }
}

function judge(
  text: string,
  { links, versions, degraded = false }: AnnotateAnswer,
  tally: Tally,
  baselines: Baselines,
): void {
  tally.did(degraded ? 'degraded answers' : 'annotated');
  tally.did(ANNOTATED_UNDER + versions.model);
  if (degraded) return;
  // Of two nearly equal ones the first may change when entities join the candidates: a batch is quantised as a whole.
  const sure = links.filter(({ confidence }) => confidence >= SURE);
  const found: SureLinks = new Map(
    sure.map(({ start, end, entityId }) => [`${start}-${end}`, entityId]),
  );
  const key = `${versions.model} ${text}`;
  const first = baselines.get(key) ?? found;
  baselines.set(key, first);
  for (const [span, entityId] of found) {
    const before = first.get(span);
    if (before === undefined || before === entityId) continue;
    tally.wrong('links changed', `${text} ${span}: ${String(before)} became ${String(entityId)}`);
  }
}

/** Whether the node was killed while a request that began then was under way. */
export function diedMeanwhile(node: Node, began: number): boolean {
  return node.process.killedAt >= began - 5 || !node.isReady;
}
