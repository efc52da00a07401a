import type { ProblemCode } from '../../../libs/contract/problem.js';

/** An error of the HTTP edge: a wrong method, a body that is not JSON, a missing key, … */
export class HttpError extends Error {
  constructor(
    readonly code: ProblemCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'HttpError';
  }
}
