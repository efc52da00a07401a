import type { z } from 'zod';
import { MAX_FAULTS, RequestError, type Fault } from './problem.js';

/** Where a value came from: faults in a body have pointers, faults in a query the parameter's name. */
export type Origin = 'body' | 'query';

/**
 * Parses what came from outside.
 * @throws RequestError `invalid-input` with every fault: place, value, limit and remedy.
 */
export function parseRequest<S extends z.ZodType>(
  schema: S,
  input: unknown,
  origin: Origin,
): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const faults = issues.slice(0, MAX_FAULTS).map((issue) => toFault(issue, input, origin));
  throw new RequestError('invalid-input', faults, issues.length);
}

/** RFC 6901. */
export function pointer(path: readonly PropertyKey[]): string {
  return path
    .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

function toFault(issue: z.core.$ZodIssue, input: unknown, origin: Origin): Fault {
  const detail = describe(issue, valueAt(input, issue.path));
  return origin === 'query'
    ? { parameter: String(issue.path[0] ?? ''), detail }
    : { pointer: pointer(issue.path), detail };
}

const NO_BODY = 'the body is empty: send a JSON object (examples at /docs).';

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'unrecognized_keys') return unknownFields(issue.keys);
  if (value === undefined) return issue.path.length === 0 ? NO_BODY : 'is required.';
  return `is ${preview(value)}: ${expectation(issue)}.`;
}

function unknownFields(keys: readonly string[]): string {
  const names = keys.slice(0, 5).map((key) => preview(key));
  const more = keys.length > names.length ? ` and ${keys.length - names.length} more` : '';
  const noun = keys.length === 1 ? 'field' : 'fields';
  return `unknown ${noun} ${names.join(', ')}${more}: remove or rename (/docs lists the fields).`;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${article(issue.expected)}`;
  if (issue.code === 'too_big') return `at most ${bound(issue.maximum, issue.origin)}`;
  if (issue.code === 'too_small') return `at least ${bound(issue.minimum, issue.origin)}`;
  if (issue.code !== 'invalid_value') return issue.message;
  return `expected one of ${issue.values.map(preview).join(', ')}`;
}

function article(expected: string): string {
  if (expected === 'int') return 'a whole number';
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

function bound(limit: number | bigint, origin: string): string {
  if (origin === 'string') return `${limit} characters`;
  return origin === 'array' ? `${limit} elements` : String(limit);
}

const PREVIEW_CHARS = 60;

/** A value as it may stand in a message: short, on one line, as JSON. */
export function preview(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string' && value.length > PREVIEW_CHARS) {
    return `${JSON.stringify(value.slice(0, PREVIEW_CHARS))}… (${value.length} characters)`;
  }
  return value === undefined ? 'missing' : JSON.stringify(value);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Record<PropertyKey, unknown>)[key];
  }, input);
}
