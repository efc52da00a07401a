import { isUtf8 } from 'node:buffer';
import { allowedMethods } from '../../../libs/contract/operations.js';
import { RequestError } from '../../../libs/contract/problem.js';
import { refuseTooLarge, type SizeLimits } from '../../../libs/contract/sizes.js';
import { pathOf, type ApiRequest, type ApiResponse, type Next } from './exchange.js';
import { HttpError } from './http-error.js';
import type { WorkLine } from './work-line.js';

/** Counts a POST in before its body is read, and out when the answer is sent or the client gone. */
export function admission(line: WorkLine) {
  return (request: ApiRequest, response: ApiResponse, next: Next): void => {
    if (!takesBody(request)) {
      next();
      return;
    }
    response.once('close', line.enter());
    next();
  };
}

/** A POST to a path that takes none is answered by the router: 404 or 405. */
export function takesBody(request: Pick<ApiRequest, 'method' | 'originalUrl'>): boolean {
  return request.method === 'POST' && allowedMethods(pathOf(request)).includes('POST');
}

/** Refuses a body that is not JSON by its label; without this it would be dropped and reported as missing. */
export function jsonOnly(request: ApiRequest, _response: ApiResponse, next: Next): void {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (!takesBody(request) || type === 'application/json') {
    next();
    return;
  }
  throw new HttpError(
    'unsupported-media-type',
    `Content-Type is ${type === undefined ? 'absent' : JSON.stringify(type)}: send JSON with the header "Content-Type: application/json".`,
  );
}

/** For the JSON parser, which would turn broken bytes into U+FFFD and so shift every offset after them. */
export function refuseBrokenUtf8(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) {
    throw new HttpError('malformed-json', 'The body is not valid UTF-8: encode it as UTF-8.');
  }
}

/** After the JSON parser. */
export function sizes(limits: SizeLimits) {
  return (request: ApiRequest, _response: ApiResponse, next: Next): void => {
    refuseTooLarge(request.body, limits);
    next();
  };
}

/** The size of a body that the JSON parser refused to read. */
export function bodyTooLarge(maxBodyBytes: number): RequestError {
  const detail = `the body has more than ${maxBodyBytes} bytes: split the request, or raise REFERENT_MAX_BODY_BYTES.`;
  return new RequestError('too-large', [{ pointer: '', detail }]);
}
