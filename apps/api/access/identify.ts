import type { KeyRing } from '../../../libs/access/key-ring.js';
import type { ApiRequest, ApiResponse, Caller, Next } from '../http/exchange.js';
import { pathOf } from '../http/exchange.js';
import { credentialsOf, type Credential } from './credentials.js';

/** Where there are no keys, who reaches the server may use it. */
const ANYONE: Caller = { key: null, role: 'admin', isAmbient: true };

/** Whether a browser can show the answer, and so has to be asked for the key its own way. */
export const isForBrowsers = (path: string): boolean => /^\/admin(\/|$)/i.test(path);

/** Says who calls; whether that is enough is asked elsewhere. */
export function identify(keys: KeyRing) {
  return (request: ApiRequest, _response: ApiResponse, next: Next): void => {
    const takesBasic = isForBrowsers(pathOf(request));
    request.caller = keys.isClosed ? ownerOf(credentialsOf(request, { takesBasic }), keys) : ANYONE;
    next();
  };
}

/** null: no key, one that is none of ours, or more than one. */
function ownerOf(credentials: readonly Credential[], keys: KeyRing): Caller | null {
  const [only, second] = credentials;
  if (only === undefined || second !== undefined) return null;
  const owner = keys.owner(only.key);
  if (owner === undefined) return null;
  const { id, name, role } = owner;
  return { key: { id, name }, role, isAmbient: only.isBasic };
}
