import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { inspect } from 'node:util';
import type { Problem } from '../../../libs/contract/problem.js';
import { ClientGone } from './arrival.js';
import { pathOf, type ApiRequest, type ApiResponse } from './exchange.js';
import type { JsonLog } from './json-log.js';
import { toFailure, type Failure } from './failure.js';

/** The only place where errors become answers: RFC 9457 problem details, without stack traces. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: JsonLog,
    private readonly maxBodyBytes: number,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<ApiRequest>();
    const response = http.getResponse<ApiResponse>();
    const error = unwrap(exception);
    if (error instanceof ClientGone || response.destroyed) return;
    const failure = toFailure(error, {
      method: request.method ?? 'GET',
      path: pathOf(request),
      maxBodyBytes: this.maxBodyBytes,
    });
    if (failure.status >= 500 && failure.status !== 503) this.report(error, request, failure);
    if (response.headersSent) response.destroy();
    else send(response, failure, request);
  }

  private report(error: unknown, request: ApiRequest, failure: Failure): void {
    this.log.error(failure.code, { requestId: request.requestId, stack: inspect(error) });
  }
}

/** Nest wraps what Express and its parsers throw. */
function unwrap(exception: unknown): unknown {
  return exception instanceof HttpException && exception.cause !== undefined
    ? exception.cause
    : exception;
}

function send(response: ApiResponse, failure: Failure, request: ApiRequest): void {
  const problem: Problem = {
    type: `urn:referent:problem:${failure.code}`,
    title: STATUS_CODES[failure.status] ?? 'Error',
    status: failure.status,
    code: failure.code,
    detail: failure.detail,
    instance: pathOf(request),
    requestId: request.requestId,
    ...(failure.faults === undefined ? {} : { errors: [...failure.faults] }),
  };
  for (const [name, value] of Object.entries(failure.headers)) response.setHeader(name, value);
  response.statusCode = failure.status;
  response.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  response.end(request.method === 'HEAD' ? undefined : JSON.stringify(problem));
}
