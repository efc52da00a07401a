import { isLoopback } from '../../../libs/config/loopback.js';
import type { ApiRequest, ApiResponse, Next } from '../http/exchange.js';
import { targetHost } from '../http/exchange.js';
import { HttpError } from '../http/http-error.js';

export interface HostRules {
  /** Lower-case names besides those of loopback. */
  readonly allowed: readonly string[];
  /** Asked at every request: whether names that are not on the list are refused. */
  readonly isStrict: () => boolean;
}

/**
 * Against DNS rebinding: a page of evil.example whose name suddenly means 127.0.0.1 speaks to this server as its own,
 * but its browser still sends `Host: evil.example`.
 */
export function knownHostOnly({ allowed, isStrict }: HostRules) {
  return (request: ApiRequest, _response: ApiResponse, next: Next): void => {
    const hosts = isStrict() ? hostsOf(request) : [];
    const isKnown = (host: string) =>
      isLoopback(host) || allowed.includes(host) || host === ownAddress(request);
    const stranger = hosts.find((host) => !isKnown(host));
    if (stranger === undefined) next();
    else throw misdirected(stranger);
  };
}

/** All that the request says of its host, without port and in lower case; none of an old client that says nothing. */
function hostsOf(request: ApiRequest): string[] {
  const target = targetHost(request);
  const given = [
    ...(request.headersDistinct['host'] ?? []),
    ...(target === undefined ? [] : [target]),
  ];
  return given.map((host) => host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, ''));
}

/** The address that the client reached us at: no page can make a name of it. */
function ownAddress({ socket }: ApiRequest): string {
  const address = (socket.localAddress ?? '').replace(/^::ffff:/, '');
  return address.includes(':') ? `[${address}]` : address;
}

function misdirected(host: string): HttpError {
  return new HttpError(
    'misdirected',
    `The Host header says ${JSON.stringify(host.slice(0, 100))}, which is no name of this server: use localhost or ` +
      'its address, or put the name into REFERENT_ALLOWED_HOSTS.',
  );
}
