import { ReferentError } from '../contract/errors.js';
import { isLoopback } from './loopback.js';

/** What decides whether a server may bind where it was told to. */
export interface Binding {
  readonly host: string;
  /** REFERENT_ALLOW_PUBLIC. */
  readonly allowPublic: boolean;
  /** How many API keys there are. */
  readonly keys: number;
}

/**
 * A server that others can reach needs keys, or somebody who said that it does not.
 * @throws ReferentError `invalid-input` where neither is so. Gives the warning that is due, or null.
 */
export function checkBinding({ host, allowPublic, keys }: Binding): string | null {
  if (isLoopback(host) || keys > 0) return null;
  if (allowPublic) {
    return 'Anyone who reaches this port can use it: REFERENT_ALLOW_PUBLIC is set and there are no API keys.';
  }
  throw new ReferentError(
    'invalid-input',
    `REFERENT_HOST is ${JSON.stringify(host)} and there are no API keys: without them it binds to loopback only ` +
      '(127.0.0.1, ::1 or localhost). Make one with `referent keys add --role annotate`; or, where the port is ' +
      'reachable by trusted callers only (a container), set REFERENT_ALLOW_PUBLIC=1.',
  );
}
