import type { AccessSettings } from '../../../libs/config/settings.js';
import type { ApiRequest, ApiResponse, Next } from '../http/exchange.js';
import { HttpError } from '../http/http-error.js';
import { neededRole } from './gate.js';
import { RateLimiter } from './rate-limiter.js';

/** About 200 bytes each. */
const MOST_CALLERS = 10_000;

/**
 * Before a key is asked for and a body read. By key where there is one, else by address: keys that are guessed at
 * count against the address too, and many addresses cannot push a key's bucket out. What is open to all does not count.
 */
export function rateLimit({ ratePerMinute, rateBurst }: AccessSettings, onRefused: () => void) {
  const rules = { perMinute: ratePerMinute, burst: rateBurst, most: MOST_CALLERS };
  const keys = new RateLimiter(rules);
  const addresses = new RateLimiter(rules);
  return (request: ApiRequest, response: ApiResponse, next: Next): void => {
    if (ratePerMinute === 0 || neededRole(request) === 'public') {
      next();
      return;
    }
    const id = request.caller?.key?.id;
    const taken = id === undefined ? addresses.take(addressOf(request)) : keys.take(id);
    // https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
    response.setHeader('RateLimit-Policy', `"default";q=${ratePerMinute};w=60`);
    response.setHeader('RateLimit', `"default";r=${taken.left};t=${taken.waitSeconds}`);
    if (taken.isAllowed) {
      next();
      return;
    }
    onRefused();
    throw tooMany(ratePerMinute, taken.waitSeconds);
  };
}

/** Of IPv6 the network: whoever has one address there has 2^64. */
function addressOf({ socket }: ApiRequest): string {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  return address.includes(':') ? networkOf(address) : address;
}

/** The first four groups, written out. */
export function networkOf(address: string): string {
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = (part: string | undefined) => (part ?? '').split(':').filter((one) => one !== '');
  const front = groups(head);
  const missing = tail === undefined ? 0 : 8 - front.length - groups(tail).length;
  return [...front, ...Array<string>(missing).fill('0'), ...groups(tail)].slice(0, 4).join(':');
}

function tooMany(perMinute: number, waitSeconds: number): HttpError {
  return new HttpError(
    'rate-limited',
    `More than ${perMinute} requests a minute came from you: send the next in ${waitSeconds} s, or raise ` +
      'REFERENT_RATE_PER_MINUTE.',
    { 'Retry-After': String(waitSeconds) },
  );
}
