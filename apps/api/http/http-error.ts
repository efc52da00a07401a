import type { HTTP_CODES } from '../../../libs/contract/problem.js';

/** An error that only HTTP knows: a wrong method, a body that is not JSON, … */
export class HttpError extends Error {
  constructor(
    readonly code: (typeof HTTP_CODES)[number],
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'HttpError';
  }
}
