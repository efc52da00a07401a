import type { z } from 'zod';
import { ReferentError } from '../contract/errors.js';
import { JOBS, type JobPayload, type JobResult, type QueueName } from '../contract/jobs.js';
import type { SomeHandlers } from './registration.js';
import type { JobContext } from './work-queue.js';

/** @throws ReferentError `invalid-input` for a payload that is not of the queue's shape. */
export function payloadOf<N extends QueueName>(queue: N, payload: unknown): JobPayload<N> {
  return checked(`A job of the queue ${queue}`, JOBS[queue].payload, payload) as JobPayload<N>;
}

/** @throws ReferentError `invalid-input` for a result that is not of the queue's shape. */
export function resultOf<N extends QueueName>(queue: N, result: unknown): JobResult<N> {
  return checked(`A result of the queue ${queue}`, JOBS[queue].result, result) as JobResult<N>;
}

/** One attempt: both what comes and what goes is checked, whichever process it comes from or goes to. */
export async function handled<N extends QueueName>(
  queue: N,
  payload: unknown,
  { handlers, context }: { readonly handlers: SomeHandlers; readonly context: JobContext },
): Promise<JobResult<N>> {
  const handler = handlers[queue];
  if (handler === undefined) {
    throw new ReferentError('queue-unavailable', `Nothing here handles the queue ${queue}.`);
  }
  return resultOf(queue, await handler(payloadOf(queue, payload), context));
}

/** Says where, not what: a payload holds a user's text. */
function checked(what: string, schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new ReferentError(
    'invalid-input',
    `${what} is not as it should be at '${where}': ${issue?.code ?? 'unknown'}; do all processes run the same version?`,
  );
}
