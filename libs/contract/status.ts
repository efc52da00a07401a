import type { ProblemCode } from './problem.js';

/** The HTTP status of every code. 499 is nobody's answer: it stands in logs for a client that left. */
export const STATUS: Readonly<Record<ProblemCode, number>> = {
  'invalid-input': 400,
  'malformed-json': 400,
  'malformed-request': 400,
  'kb-not-found': 404,
  'entity-not-found': 404,
  'route-not-found': 404,
  'method-not-allowed': 405,
  'kb-exists': 409,
  'too-large': 413,
  'unsupported-media-type': 415,
  busy: 429,
  'client-closed-request': 499,
  internal: 500,
  'import-failed': 500,
  'store-invalid': 500,
  'model-invalid': 500,
  'model-mismatch': 503,
  'index-invalid': 503,
  'not-ready': 503,
  'disk-full': 507,
};
