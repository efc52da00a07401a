import { operationOf, otherPath, roleOf } from '../../../libs/contract/operations.js';
import type { NeededRole } from '../../../libs/contract/roles.js';
import type { ApiRequest, ApiResponse, Next } from '../http/exchange.js';
import { pathOf } from '../http/exchange.js';
import { HttpError } from '../http/http-error.js';
import { isAllowed } from './cors.js';
import { assertMay } from './permission.js';

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Before a body is read: nobody without the right key makes the server take one. What is decided here by the path is
 * decided again by `RoleGuard` on the route that the router found, which is the one that counts.
 */
export function gate(origins: readonly string[]) {
  return (request: ApiRequest, _response: ApiResponse, next: Next): void => {
    assertMay(request, neededRole(request));
    refuseForeignPages(request, origins);
    next();
  };
}

/** For what the router does not know a key of any role is enough to be told so. */
export function neededRole(request: ApiRequest): NeededRole {
  const { method = 'GET' } = request;
  const path = pathOf(request);
  const operation = operationOf(method, path);
  if (operation !== undefined) return roleOf(operation);
  const isOpen = otherPath(path) !== undefined && SAFE_METHODS.includes(method);
  return isOpen ? 'public' : 'annotate';
}

/**
 * A page of another site can make a browser send what needs no preflight, a POST without a body say. Where the browser
 * or the address alone lets a caller in, such a request is refused; one with a key in a header was meant.
 */
export function refuseForeignPages(request: ApiRequest, origins: readonly string[]): void {
  if (request.caller?.isAmbient !== true || SAFE_METHODS.includes(request.method ?? 'GET')) return;
  if (!isForeign(request, origins)) return;
  throw new HttpError(
    'forbidden',
    'A web page of another origin sent this: put its origin into REFERENT_CORS_ORIGINS if it may.',
  );
}

/** By what browsers say and pages cannot forge; programs say neither. */
function isForeign({ headers }: ApiRequest, origins: readonly string[]): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (origin !== undefined && isAllowed(origins, origin)) return false;
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && hostOf(origin) !== host?.toLowerCase();
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
