import type { ApiRequest, ApiResponse, Next } from '../http/exchange.js';

const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const ALLOWED_HEADERS =
  'Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Api-Key, X-Request-Id';
const EXPOSED_HEADERS =
  'Allow, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id';
const PREFLIGHT_SECONDS = '600';

/**
 * Lets pages of the given origins call the API from a browser; with no origin it does nothing at all. Credentials of
 * the browser itself (cookies, remembered passwords) are never let in, so that `*` lends nobody's rights to a page: it
 * has to bring a key. Set before anything can fail, so that pages can read the problem too.
 */
export function cors(origins: readonly string[]) {
  return (request: ApiRequest, response: ApiResponse, next: Next): void => {
    if (origins.length === 0) {
      next();
      return;
    }
    const isAny = origins.includes('*');
    if (!isAny) response.appendHeader('Vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !isAllowed(origins, origin)) {
      next();
      return;
    }
    response.setHeader('Access-Control-Allow-Origin', isAny ? '*' : origin);
    response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS);
    if (isPreflight(request)) answerPreflight(response);
    else next();
  };
}

export function isAllowed(origins: readonly string[], origin: string): boolean {
  return origins.includes('*') || origins.includes(origin);
}

function isPreflight({ method, headers }: ApiRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/** Browsers send it without a key, so it is answered before one is asked for. */
function answerPreflight(response: ApiResponse): void {
  response.setHeader('Access-Control-Allow-Methods', ALLOWED_METHODS);
  response.setHeader('Access-Control-Allow-Headers', ALLOWED_HEADERS);
  response.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS);
  response.appendHeader('Vary', 'Access-Control-Request-Method, Access-Control-Request-Headers');
  response.writeHead(204).end();
}
