import type { QueueName } from '../contract/jobs.js';
import type { QueueCounts } from './work-queue.js';

/** Queues that no worker takes. */
export function untakenQueues(counts: readonly QueueCounts[]): readonly QueueName[] {
  return counts.filter(({ workers }) => workers === 0).map(({ queue }) => queue);
}

const CONSEQUENCES: Readonly<Record<QueueName, string>> = {
  rerank: 'links are made without the cross-encoder',
  annotate: 'jobs wait',
  embed: 'a change of model waits',
  publish: 'a change of model waits',
};

/** What that means and what to do, for people. */
export function untakenText(queues: readonly QueueName[]): string {
  const consequences = [...new Set(queues.map((queue) => CONSEQUENCES[queue]))].join(', ');
  const noun = queues.length === 1 ? 'queue' : 'queues';
  return `No worker takes the ${noun} ${queues.join(', ')}: ${consequences}. \`referent worker\` starts one.`;
}
