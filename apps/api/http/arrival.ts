import { randomUUID } from 'node:crypto';
import { operationOf } from '../../../libs/contract/operations.js';
import type { DoneRequest } from '../../../libs/metrics/metrics.js';
import type { Draining } from './draining.js';
import type { ApiRequest, ApiResponse, Next } from './exchange.js';
import { pathOf } from './exchange.js';
import type { JsonLog } from './json-log.js';
import { routeLabel } from './route-label.js';

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The reason of `ApiRequest.gone`. */
export class ClientGone extends Error {
  constructor() {
    super('The client closed the connection before the answer was ready.');
    this.name = 'ClientGone';
  }
}

export interface Arrivals {
  readonly log: JsonLog;
  readonly draining: Draining;
  readonly onDone: (done: DoneRequest) => void;
}

/** First of all: the request's id (the client's own where it is sane), its abort signal, headers, and its log line. */
export function arrival({ log, draining, onDone }: Arrivals) {
  return (request: ApiRequest, response: ApiResponse, next: Next): void => {
    request.requestId = idOf(request);
    request.caller = null;
    const { signal, stop } = goneSignal(response);
    request.gone = signal;
    response.setHeader('X-Request-Id', request.requestId);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    draining.watch(response, stop);
    whenDone(response, (status, milliseconds) => {
      logLine(request, { log, status, milliseconds });
      onDone(figuresOf(request, status, milliseconds));
    });
    next();
  };
}

function idOf(request: ApiRequest): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

function goneSignal(response: ApiResponse): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const stop = () => {
    controller.abort(new ClientGone());
  };
  response.once('close', () => {
    if (!response.writableFinished) stop();
  });
  return { signal: controller.signal, stop };
}

function whenDone(
  response: ApiResponse,
  hear: (status: number, milliseconds: number) => void,
): void {
  const started = performance.now();
  response.once('close', () => {
    const status = response.writableFinished ? response.statusCode : 499;
    hear(status, performance.now() - started);
  });
}

interface Done {
  readonly log: JsonLog;
  readonly status: number;
  readonly milliseconds: number;
}

function logLine(request: ApiRequest, { log, status, milliseconds }: Done): void {
  const path = pathOf(request);
  const { key = null } = request.caller ?? {};
  log.line(levelOf(path), 'request', {
    requestId: request.requestId,
    method: request.method,
    path,
    status,
    milliseconds: Math.round(10 * milliseconds) / 10,
    bytesIn: Number(request.headers['content-length'] ?? 0),
    ...(key === null ? {} : { keyId: key.id, keyName: key.name }),
    ...(request.steps === undefined ? {} : { steps: request.steps }),
  });
}

/** Probes and scrapes come every few seconds and would bury the rest. */
function levelOf(path: string): 'debug' | 'info' {
  return path.startsWith('/health/') || path === '/metrics' ? 'debug' : 'info';
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

function figuresOf(request: ApiRequest, status: number, milliseconds: number): DoneRequest {
  const { method = 'GET' } = request;
  const answer = operationOf(method, pathOf(request))?.answer;
  return {
    method: METHODS.includes(method) ? method : 'other',
    route: routeLabel(request),
    status,
    seconds: milliseconds / 1000,
    isStream: answer === 'events' || answer === 'ndjson',
  };
}
