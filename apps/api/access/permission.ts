import { mayDo, type NeededRole } from '../../../libs/contract/roles.js';
import type { ApiRequest } from '../http/exchange.js';
import { pathOf } from '../http/exchange.js';
import { HttpError } from '../http/http-error.js';
import { isForBrowsers } from './identify.js';

/**
 * @throws HttpError `unauthorized` where a key is needed and none of ours came; `forbidden` where its role is another.
 */
export function assertMay(request: ApiRequest, needed: NeededRole): void {
  const { caller } = request;
  if (mayDo(caller?.role ?? null, needed)) return;
  if (caller === null) throw unauthorized(request);
  throw new HttpError(
    'forbidden',
    `The key ${caller.key?.name ?? ''} has the role ${caller.role}, and this takes ${needed}: use a key with that ` +
      `role (\`referent keys add --role ${needed}\`).`,
  );
}

function unauthorized(request: ApiRequest): HttpError {
  const isBrowser = isForBrowsers(pathOf(request));
  const how = isBrowser
    ? 'as the password of HTTP Basic'
    : 'as "Authorization: Bearer rk_…" or "X-Api-Key: rk_…"';
  const challenge = isBrowser
    ? 'Basic realm="Referent", charset="UTF-8"'
    : 'Bearer realm="Referent"';
  return new HttpError(
    'unauthorized',
    `This takes one API key, and none that is known was sent: send exactly one, ${how}. \`referent keys add\` makes one.`,
    { 'WWW-Authenticate': challenge },
  );
}
