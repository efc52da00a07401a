import { isUtf8 } from 'node:buffer';
import { operationOf } from '../../../libs/contract/operations.js';
import { RequestError } from '../../../libs/contract/problem.js';
import { refuseTooLarge, type SizeLimits } from '../../../libs/contract/sizes.js';
import { pathOf, type ApiRequest, type ApiResponse, type Next } from './exchange.js';
import { HttpError } from './http-error.js';
import type { WorkLine } from './work-line.js';

/** The ways in: what takes long has a small one of its own, so that it cannot keep out what is quickly answered. */
export interface Lines {
  readonly requests: WorkLine;
  readonly uploads: WorkLine;
  /** Answers that go on for as long as a job runs. */
  readonly streams: WorkLine;
}

/** Counts a request in before its body is read, and out when the answer is sent or the client gone. */
export function admission(lines: Lines) {
  return (request: ApiRequest, response: ApiResponse, next: Next): void => {
    const line = lineOf(request, lines);
    if (line !== undefined) response.once('close', line.enter());
    next();
  };
}

function lineOf(request: ApiRequest, { requests, uploads, streams }: Lines): WorkLine | undefined {
  if (isLines(request)) return uploads;
  if (takesBody(request)) return requests;
  const answer = operationFor(request)?.answer;
  return answer === 'events' || answer === 'ndjson' ? streams : undefined;
}

type Asked = Pick<ApiRequest, 'method' | 'originalUrl' | 'headers'>;

const operationFor = (request: Pick<ApiRequest, 'method' | 'originalUrl'>) =>
  operationOf(request.method ?? 'GET', pathOf(request));

/** One to a path that takes none is answered by the router: 404 or 405. */
export function takesBody(request: Pick<ApiRequest, 'method' | 'originalUrl'>): boolean {
  const operation = operationFor(request);
  return operation?.request !== undefined || operation?.ndjson !== undefined;
}

/** Whether the body is a whole JSON value, which is parsed before the controller is called. */
export function takesJson(request: Asked): boolean {
  return takesBody(request) && !isLines(request);
}

/** Whether the body is a stream of JSON Lines, which the controller reads. */
export function isLines(request: Asked): boolean {
  const type = typeOf(request);
  return operationFor(request)?.ndjson !== undefined && NDJSON.includes(type ?? '');
}

const NDJSON = ['application/x-ndjson', 'application/jsonl', 'application/ndjson'];

/** Labels of a JSON body: that of a patch is its own, and the plain one is understood. */
function jsonTypes({ method }: Asked): readonly string[] {
  const patch = method === 'PATCH' ? ['application/merge-patch+json'] : [];
  return ['application/json', ...patch];
}

function typeOf({ headers }: Asked): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

/** Refuses a body of another kind by its label; without this it would be dropped and reported as missing. */
export function knownTypeOnly(request: ApiRequest, _response: ApiResponse, next: Next): void {
  const type = typeOf(request);
  const { request: json, ndjson } = operationFor(request) ?? {};
  const isJson = json !== undefined && jsonTypes(request).includes(type ?? '');
  if (!takesBody(request) || isJson || isLines(request)) {
    next();
    return;
  }
  const found = type === undefined ? 'absent' : JSON.stringify(type);
  const lines = 'JSON Lines with the header "Content-Type: application/x-ndjson"';
  const one = 'JSON with the header "Content-Type: application/json"';
  const wanted = ndjson === undefined ? one : json === undefined ? lines : `${one}, or ${lines}`;
  throw new HttpError('unsupported-media-type', `Content-Type is ${found}: send ${wanted}.`);
}

/** For the JSON parser, which would turn broken bytes into U+FFFD and so shift every offset after them. */
export function refuseBrokenUtf8(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) {
    throw new HttpError('malformed-json', 'The body is not valid UTF-8: encode it as UTF-8.');
  }
}

/** After the JSON parser. A job may have more documents than other requests. */
export function sizes(limits: SizeLimits, ofJobs: SizeLimits) {
  return (request: ApiRequest, _response: ApiResponse, next: Next): void => {
    const isJob = operationFor(request)?.id === 'createJob';
    // An entity's fields are its owner's: `text` is no document there.
    const isEntity = pathOf(request).startsWith('/v1/entities');
    if (!isEntity) refuseTooLarge(request.body, isJob ? ofJobs : limits);
    next();
  };
}

/** The size of a body that the JSON parser refused to read. */
export function bodyTooLarge(maxBodyBytes: number): RequestError {
  const detail = `the body has more than ${maxBodyBytes} bytes: split the request, or raise REFERENT_MAX_BODY_BYTES.`;
  return new RequestError('too-large', [{ pointer: '', detail }]);
}
