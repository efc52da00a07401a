import { CommanderError } from 'commander';
import { ReferentError, type ErrorCode } from '../../libs/contract/errors.js';

/** What the command's exit code says; `referent --help` prints the same list. */
export const EXIT = { ok: 0, failure: 1, badInput: 2, interrupted: 130 } as const;

const BAD_INPUT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid-input',
  'too-large',
  'kb-not-found',
  'entity-not-found',
  'kb-exists',
]);

/** Ctrl-C reached a command that was told to stop. */
export class Interrupted extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Interrupted';
  }
}

/** A wrong or missing argument that commander itself cannot see. */
export const usageError = (message: string): ReferentError =>
  new ReferentError('invalid-input', message);

export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return EXIT.interrupted;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
  if (error instanceof ReferentError && BAD_INPUT.has(error.code)) return EXIT.badInput;
  return EXIT.failure;
}

/** One line for people; the stack and its causes only where they were asked for. */
export function describeError(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Interrupted) return error.message;
  if (debug) return stackWithCauses(error);
  const hint =
    error instanceof ReferentError ? '' : ' (run again with --debug for the whole error)';
  return `referent: ${error.message}${hint}`;
}

function stackWithCauses(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error
    ? `${stack}\ncaused by: ${stackWithCauses(error.cause)}`
    : stack;
}
