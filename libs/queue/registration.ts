import { ReferentError } from '../contract/errors.js';
import { QUEUE_NAMES, type QueueName } from '../contract/jobs.js';
import type { Handlers } from './work-queue.js';

/** The queues that a process can work on. */
export type SomeHandlers = Partial<Handlers>;

/**
 * All handlers of a process in one.
 * @throws Error for a queue that does not exist, or that two of them handle: a mistake in the composition.
 */
export function registered(...parts: readonly SomeHandlers[]): SomeHandlers {
  const seen = new Set<string>();
  for (const name of parts.flatMap((part) => Object.keys(part))) {
    if (!isQueueName(name)) throw new Error(`There is no queue '${name}' to handle.`);
    if (seen.has(name)) throw new Error(`The queue '${name}' has two handlers.`);
    seen.add(name);
  }
  return Object.assign({}, ...parts) as SomeHandlers;
}

/**
 * The queues that a process is told to take; all that it has handlers for where it is told none.
 * @throws ReferentError `invalid-input` for a name that is unknown, given twice or has no handler here.
 */
export function chosenQueues(
  names: readonly string[] | undefined,
  handlers: SomeHandlers,
): readonly QueueName[] {
  const known = QUEUE_NAMES.filter((name) => handlers[name] !== undefined);
  if (names === undefined) return known;
  const chosen = names.map((name) => {
    if (isQueueName(name) && known.includes(name)) return name;
    const what = isQueueName(name) ? `cannot be taken by this process` : 'does not exist';
    throw wrong(`The queue '${name}' ${what}; take some of ${known.join(', ')}.`);
  });
  if (new Set(chosen).size < chosen.length) {
    throw wrong(`A queue is named twice in ${names.join(',')}; name each once.`);
  }
  if (chosen.length === 0) throw wrong(`No queue is named; take some of ${known.join(', ')}.`);
  return chosen;
}

function isQueueName(name: string): name is QueueName {
  return (QUEUE_NAMES as readonly string[]).includes(name);
}

const wrong = (message: string): ReferentError => new ReferentError('invalid-input', message);
