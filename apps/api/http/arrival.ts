import { randomUUID } from 'node:crypto';
import type { ApiRequest, ApiResponse, Next } from './exchange.js';
import { pathOf } from './exchange.js';
import type { JsonLog } from './json-log.js';

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The reason of `ApiRequest.gone`. */
export class ClientGone extends Error {
  constructor() {
    super('The client closed the connection before the answer was ready.');
    this.name = 'ClientGone';
  }
}

/** First of all: the request's id (the client's own where it is sane), its abort signal, headers, and its log line. */
export function arrival(log: JsonLog) {
  return (request: ApiRequest, response: ApiResponse, next: Next): void => {
    request.requestId = idOf(request);
    request.gone = goneSignal(response);
    response.setHeader('X-Request-Id', request.requestId);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    logWhenDone(request, response, log);
    next();
  };
}

function idOf(request: ApiRequest): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

function goneSignal(response: ApiResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new ClientGone());
  });
  return controller.signal;
}

function logWhenDone(request: ApiRequest, response: ApiResponse, log: JsonLog): void {
  const started = performance.now();
  response.once('close', () => {
    const path = pathOf(request);
    log.line(levelOf(path), 'request', {
      requestId: request.requestId,
      method: request.method,
      path,
      status: response.writableFinished ? response.statusCode : 499,
      milliseconds: Math.round(10 * (performance.now() - started)) / 10,
      bytesIn: Number(request.headers['content-length'] ?? 0),
    });
  });
}

/** Probes come every few seconds and would bury the rest. */
function levelOf(path: string): 'debug' | 'info' {
  return path.startsWith('/health/') ? 'debug' : 'info';
}
