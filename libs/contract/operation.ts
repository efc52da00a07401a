import type { EXAMPLES } from './examples.js';
import type { ProblemCode } from './problem.js';
import type { NeededRole } from './roles.js';
import type { SchemaName } from './schemas.js';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  readonly required?: boolean;
  readonly example: string | number;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** One operation of the API as /docs tells it, and as the router is held to it by a test. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly id: string;
  readonly tag: 'link' | 'jobs' | 'knowledge bases' | 'service';
  readonly summary: string;
  readonly description?: string;
  readonly request?: SchemaName;
  /** Also, or where there is no `request` only, a stream of JSON Lines; the text says what a line is. */
  readonly ndjson?: string;
  /** Request bodies that run against the demo KB. */
  readonly examples?: keyof typeof EXAMPLES;
  readonly parameters?: readonly Parameter[];
  /** Of success; 200 where absent. */
  readonly status?: number;
  /** A JSON answer, a stream, or nothing. */
  readonly answer: SchemaName | 'ndjson' | 'events' | 'text' | 'none';
  readonly problems: readonly ProblemCode[];
  /** Who may call it where there are API keys; without a word, see `roleOf`. */
  readonly role?: NeededRole;
}
