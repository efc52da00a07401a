import { NotFoundException } from '@nestjs/common';
import { ReferentError } from '../../../libs/contract/errors.js';
import { allowedMethods } from '../../../libs/contract/operations.js';
import { RequestError, type Fault, type ProblemCode } from '../../../libs/contract/problem.js';
import { STATUS } from '../../../libs/contract/status.js';
import { bodyTooLarge } from './body.js';
import { HttpError } from './http-error.js';
import { BusyError } from './work-line.js';

/** What an answer needs to know of an error. */
export interface Failure {
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  readonly faults: readonly Fault[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** What of the request decides how an error reads. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly maxBodyBytes: number;
}

/** Any error as a failure; what nobody foresaw is `internal` and tells the caller nothing of the inside. */
export function toFailure(error: unknown, asked: Asked): Failure {
  if (error instanceof RequestError)
    return failure(error.code, error.message, { faults: error.faults });
  if (error instanceof BusyError)
    return retryLater(error.code, error.message, error.retryAfterSeconds);
  if (error instanceof HttpError) return failure(error.code, error.message, error);
  if (error instanceof ReferentError) return ofReferent(error);
  if (error instanceof NotFoundException) return unknownRoute(asked);
  return ofParser(error, asked) ?? failure('internal', INTERNAL);
}

const INTERNAL =
  'Something failed in the service that should not. Its log has the reason under this request id.';

function failure(
  code: ProblemCode,
  detail: string,
  more: { faults?: readonly Fault[]; headers?: Readonly<Record<string, string>> } = {},
): Failure {
  return { code, status: STATUS[code], detail, faults: more.faults, headers: more.headers ?? {} };
}

function retryLater(code: ProblemCode, detail: string, seconds: number): Failure {
  return failure(code, detail, { headers: { 'Retry-After': String(seconds) } });
}

function ofReferent(error: ReferentError): Failure {
  const later = STATUS[error.code] === 503 || error.code === 'busy';
  return later ? retryLater(error.code, error.message, 1) : failure(error.code, error.message);
}

function unknownRoute({ method, path }: Asked): Failure {
  const allowed = allowedMethods(path);
  const isTaken = allowed.includes(method === 'HEAD' ? 'GET' : method);
  if (allowed.length === 0 || isTaken) {
    return failure('route-not-found', `There is nothing at ${path}: /docs lists what there is.`);
  }
  const Allow = allowed.join(', ');
  const detail = `${path} does not take ${method}: use ${Allow}.`;
  return failure('method-not-allowed', detail, { headers: { Allow } });
}

interface ParserError {
  readonly status: number;
  readonly type: string | undefined;
  readonly message: string;
}

/** Errors of Express and of its JSON parser, which are known by their `type`; null for any other. */
function ofParser(error: unknown, asked: Asked): Failure | null {
  if (!isParserError(error)) return null;
  const told = oneLine(error.message);
  if (error.type === 'entity.too.large') {
    const { code, message, faults } = bodyTooLarge(asked.maxBodyBytes);
    return failure(code, message, { faults });
  }
  if (error.type === 'request.aborted') {
    return failure('client-closed-request', 'The client closed the connection while sending.');
  }
  if (error.type?.endsWith('.unsupported') === true) {
    return failure('unsupported-media-type', `${told}: send the body as UTF-8, plain or gzip.`);
  }
  const what = error.type === 'entity.parse.failed' ? 'body is not JSON' : 'request cannot be read';
  return failure('malformed-json', `The ${what}: ${told}.`);
}

/** By its fields: `instanceof` fails for errors of another realm, as in tests. */
function isParserError(error: unknown): error is ParserError {
  if (typeof error !== 'object' || error === null) return false;
  if (!('status' in error && 'message' in error)) return false;
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500;
}

/** V8 quotes the JSON around a fault in its message; a user's text stays out of logs, but may be answered. */
function oneLine(message: string): string {
  return message.replace(/\s+/g, ' ').slice(0, 200);
}
