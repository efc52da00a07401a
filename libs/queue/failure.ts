import { ReferentError, type ErrorCode } from '../contract/errors.js';
import { STATUS } from '../contract/status.js';

/** What another process, or this one a moment later, may get done. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not-ready',
  'busy',
  'queue-unavailable',
  'disk-full',
]);

/**
 * Whether trying again can help. An error that is not Referent's own (a lost connection, a busy file) is tried
 * again too: nobody knows that it cannot pass.
 */
export function canPass(error: unknown): boolean {
  return !(error instanceof ReferentError) || PASSING.has(error.code);
}

/** An error as it stands in the queue's records; `failureOf` reads it. */
export function failureText(error: unknown): string {
  if (error instanceof ReferentError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** The error of another process, with its code where it had one. */
export function failureOf(text: string): Error {
  const [, code, message] = /^([a-z-]+): ([^]*)$/u.exec(text) ?? [];
  return isCode(code) ? new ReferentError(code, message ?? '') : new Error(text);
}

function isCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(STATUS, code);
}
