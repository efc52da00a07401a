import { z } from 'zod';
import { ReferentError, type ErrorCode } from './errors.js';

/** Errors that only HTTP knows, beside those of `ErrorCode`. */
export const HTTP_CODES = [
  'malformed-json',
  'malformed-request',
  'route-not-found',
  'method-not-allowed',
  'unsupported-media-type',
  'misdirected',
  'rate-limited',
  'client-closed-request',
  'internal',
] as const;

export type ProblemCode = ErrorCode | (typeof HTTP_CODES)[number];

/** One fault in a request: where it is and what to do about it. */
export const fault = z.object({
  pointer: z.string().optional().describe('JSON Pointer (RFC 6901) into the request body.'),
  parameter: z.string().optional().describe('Name of the query parameter.'),
  detail: z.string().describe('Value, limit and remedy.'),
});

export const problem = z
  .object({
    type: z.string().describe('`urn:referent:problem:` and the code.'),
    title: z
      .string()
      .describe('The HTTP status in words; the same for every problem of that status.'),
    status: z.int(),
    code: z.string().describe('What went wrong, for programs: stable over versions.'),
    detail: z.string().describe('What went wrong, for people: value, limit and remedy.'),
    instance: z.string().describe('The path that was asked.'),
    requestId: z.string().describe('The X-Request-Id of the answer; it is in the log line too.'),
    errors: z.array(fault).optional().describe('Each fault of the request; at most 20.'),
  })
  .describe('Problem details (RFC 9457), sent as application/problem+json.');

export type Fault = z.output<typeof fault>;
export type Problem = z.output<typeof problem>;

/** How many faults an answer lists; the detail says how many there are. */
export const MAX_FAULTS = 20;

/** A request that cannot be worked on, with every fault in its place. */
export class RequestError extends ReferentError {
  readonly faults: readonly Fault[];

  /** `count`: how many faults there are, where only the first are given. */
  constructor(code: ErrorCode, faults: readonly Fault[], count = faults.length) {
    super(code, summary(faults, count));
    this.name = 'RequestError';
    this.faults = faults.slice(0, MAX_FAULTS);
  }
}

function summary(faults: readonly Fault[], count: number): string {
  const [first] = faults;
  if (first === undefined) return 'The request is wrong.';
  const place = first.pointer ?? first.parameter ?? '';
  const more = count - 1;
  const rest = more === 0 ? '' : ` (and ${more} more ${more === 1 ? 'fault' : 'faults'})`;
  return `${place === '' ? '' : `${place}: `}${first.detail}${rest}`;
}
