/** Every error a caller can meet, by code; the API maps codes to HTTP statuses in one filter. */
export type ErrorCode =
  | 'invalid-input'
  | 'too-large'
  | 'kb-not-found'
  | 'entity-not-found'
  | 'kb-exists'
  | 'model-invalid'
  | 'model-mismatch'
  | 'index-invalid'
  | 'store-invalid'
  | 'disk-full'
  | 'import-failed'
  | 'busy'
  | 'stale'
  | 'precondition-required'
  | 'job-not-found'
  | 'job-conflict'
  | 'deadline-exceeded'
  | 'queue-unavailable'
  | 'unauthorized'
  | 'forbidden'
  | 'not-ready';

/** The base of all errors that Referent raises itself. The message says value, limit and remedy. */
export class ReferentError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ReferentError';
  }
}
