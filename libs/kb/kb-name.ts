import { ReferentError } from '../contract/errors.js';

/** Safe as a folder name on every system, in a URL and on a command line. */
const KB_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export function isKbName(name: string): boolean {
  return KB_NAME.test(name) && !name.endsWith('.');
}

export function assertKbName(name: string): void {
  if (isKbName(name)) return;
  throw new ReferentError(
    'invalid-input',
    `${JSON.stringify(name.slice(0, 80))} cannot name a knowledge base; use 1 to 64 of a-z 0-9 . _ - and begin with a letter or digit`,
  );
}
