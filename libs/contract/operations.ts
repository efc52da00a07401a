import { JOB_OPERATIONS } from './job-operations.js';
import { MODEL_OPERATIONS } from './model-operations.js';
import type { Operation, Parameter } from './operation.js';
import type { ProblemCode } from './problem.js';
import type { NeededRole } from './roles.js';
import { SERVICE_OPERATIONS } from './service-operations.js';

const kbParameter: Parameter = {
  name: 'kb',
  in: 'query',
  description: 'Knowledge base; the default one where absent.',
  example: 'demo',
  schema: { type: 'string' },
};

const POST_PROBLEMS: readonly ProblemCode[] = [
  'invalid-input',
  'malformed-json',
  'kb-not-found',
  'too-large',
  'unsupported-media-type',
  'busy',
  'not-ready',
];

const idParameter: Parameter = {
  name: 'id',
  in: 'path',
  description: "The entity's id, percent-encoded (a slash is %2F).",
  required: true,
  example: 'mercury-planet',
  schema: { type: 'string' },
};

const EXAMPLE_TAG = '"3f0c1a5e9b7d4c2e8a6f1b0d9c8e7a65"';

const conditions: readonly Parameter[] = [
  {
    name: 'If-Match',
    in: 'header',
    description:
      'ETag of the state that the entity must be in, or * for any; 412 `stale` where it is not.',
    example: EXAMPLE_TAG,
    schema: { type: 'string' },
  },
  {
    name: 'If-None-Match',
    in: 'header',
    description: '*: the entity must not exist yet; 412 `stale` where it does.',
    example: '*',
    schema: { type: 'string', const: '*' },
  },
];

const WRITTEN =
  'When the answer comes the change is on disk and linkable in this process; in others within a second.';

const WRITE_PROBLEMS: readonly ProblemCode[] = [
  ...POST_PROBLEMS,
  'stale',
  'model-mismatch',
  'disk-full',
];

export const OPERATIONS: readonly Operation[] = [
  {
    method: 'POST',
    path: '/v1/annotate',
    id: 'annotate',
    role: 'annotate',
    tag: 'link',
    summary: 'Link the names in a text, or in several, to the entities of a knowledge base.',
    description:
      'All five steps: detect, encode, retrieve, rerank, decide. A request is answered as a whole or refused as a whole.',
    request: 'AnnotateRequest',
    examples: 'annotate',
    answer: 'AnnotateResponse',
    problems: POST_PROBLEMS,
  },
  {
    method: 'POST',
    path: '/v1/mentions',
    id: 'mentions',
    role: 'annotate',
    tag: 'link',
    summary: 'Only find the mentions of a text (detect).',
    request: 'MentionsRequest',
    examples: 'mentions',
    answer: 'MentionsResponse',
    problems: POST_PROBLEMS,
  },
  {
    method: 'POST',
    path: '/v1/candidates',
    id: 'candidates',
    role: 'annotate',
    tag: 'link',
    summary: 'Mentions with their candidates before reranking (detect, encode, retrieve).',
    request: 'CandidatesRequest',
    examples: 'candidates',
    answer: 'CandidatesResponse',
    problems: POST_PROBLEMS,
  },
  {
    method: 'POST',
    path: '/v1/feedback',
    id: 'feedback',
    role: 'admin',
    tag: 'knowledge bases',
    summary:
      'Teach a knowledge base what names mean, from a text with its mentions and their entities.',
    description:
      'Counts from the answer on, in this process at once and in others within a second: how often a name means an ' +
      'entity, and names that only such texts use. The same feedback counts once. `busy` while an import becomes visible.',
    request: 'FeedbackRequest',
    examples: 'feedback',
    answer: 'FeedbackResponse',
    problems: POST_PROBLEMS,
  },
  {
    method: 'GET',
    path: '/v1/kbs',
    id: 'listKbs',
    tag: 'knowledge bases',
    summary: 'The knowledge bases there are.',
    answer: 'KbsResponse',
    problems: [],
  },
  {
    method: 'GET',
    path: '/v1/entities',
    id: 'searchEntities',
    tag: 'knowledge bases',
    summary: 'Find entities by name or by words of their description.',
    parameters: [
      {
        name: 'q',
        in: 'query',
        description: 'Name, beginning of a name, or words.',
        required: true,
        example: 'mercury',
        schema: { type: 'string', minLength: 1, maxLength: 1000 },
      },
      kbParameter,
      {
        name: 'limit',
        in: 'query',
        description: 'Most entities in the answer.',
        example: 5,
        schema: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
      },
    ],
    answer: 'EntitiesResponse',
    problems: ['invalid-input', 'kb-not-found'],
  },
  {
    method: 'GET',
    path: '/v1/entities/{id}',
    id: 'getEntity',
    tag: 'knowledge bases',
    summary: 'One entity as its owner wrote it.',
    parameters: [
      idParameter,
      kbParameter,
      {
        name: 'If-None-Match',
        in: 'header',
        description: 'ETag of the state that is known: 304 without a body where it is still in it.',
        example: EXAMPLE_TAG,
        schema: { type: 'string' },
      },
    ],
    answer: 'EntityResponse',
    problems: ['invalid-input', 'kb-not-found', 'entity-not-found'],
  },
  {
    method: 'PUT',
    path: '/v1/entities/{id}',
    id: 'putEntity',
    tag: 'knowledge bases',
    summary: 'Create an entity, or replace it.',
    description: `${WRITTEN} 201 where it was created, with its ETag. The id may be left out of the body.`,
    parameters: [idParameter, kbParameter, ...conditions],
    request: 'EntityWriteRequest',
    answer: 'EntityWriteResponse',
    problems: WRITE_PROBLEMS,
  },
  {
    method: 'PATCH',
    path: '/v1/entities/{id}',
    id: 'patchEntity',
    tag: 'knowledge bases',
    summary: 'Change some fields of an entity (JSON Merge Patch).',
    description: `${WRITTEN} Without If-Match it is merged into the entity as it is then, and no other write is lost. The body's type is application/merge-patch+json or application/json.`,
    parameters: [idParameter, kbParameter, ...conditions],
    request: 'EntityPatchRequest',
    answer: 'EntityWriteResponse',
    problems: [...WRITE_PROBLEMS, 'entity-not-found'],
  },
  {
    method: 'DELETE',
    path: '/v1/entities/{id}',
    id: 'deleteEntity',
    tag: 'knowledge bases',
    summary: 'Delete an entity, with what was learned of it.',
    description: WRITTEN,
    parameters: [idParameter, kbParameter, ...conditions],
    status: 204,
    answer: 'none',
    problems: [
      'invalid-input',
      'kb-not-found',
      'entity-not-found',
      'stale',
      'busy',
      'not-ready',
      'disk-full',
    ],
  },
  {
    method: 'POST',
    path: '/v1/entities',
    id: 'postEntities',
    tag: 'knowledge bases',
    summary: 'Create or replace one entity, or many as JSON Lines with a report by line.',
    description:
      `${WRITTEN} JSON Lines are written in pages while they come in, each page in one transaction, and are answered ` +
      'with a line for each: `{line, id, status, etag}` or `{line, id, error: {code, detail}}`, and at the end ' +
      '`{summary}`. A bad line does not stop the others. A line that was reported is on disk. Read the report while ' +
      'sending: nothing more is read where it piles up.',
    parameters: [kbParameter, ...conditions],
    request: 'EntityWriteRequest',
    ndjson:
      'A line is an entity, or `{"id": …, "delete": true}`; with `"ifMatch": etag` (or `"*"`: there is one) or ' +
      '`"ifNoneMatch": "*"` (there is none) it is written only then.',
    answer: 'EntityWriteResponse',
    problems: WRITE_PROBLEMS,
  },
  ...SERVICE_OPERATIONS,
  ...JOB_OPERATIONS,
  ...MODEL_OPERATIONS,
];

/**
 * Who may call an operation. One that says nothing is safe by its method: reading takes a key of any role, everything
 * else an admin's, so that an operation which forgets to say is closed rather than open.
 */
export function roleOf({ role, method }: Operation): NeededRole {
  return role ?? (method === 'GET' ? 'annotate' : 'admin');
}

/** Paths outside the described API that exist too. They hold nothing of any knowledge base, and are open to all. */
const OTHER_PATHS: readonly string[] = [
  '/',
  '/docs',
  '/docs/openapi.json',
  '/docs/start.js',
  '/docs/assets/{file}',
];

/** The template of an open path outside the described API. */
export function otherPath(path: string): string | undefined {
  const trimmed = withoutSlash(path);
  return OTHER_PATHS.find((template) => matches(template, trimmed));
}

/** What is described of a request; undefined where nothing is. */
export function operationOf(method: string, path: string): Operation | undefined {
  const trimmed = withoutSlash(path);
  const asked = method === 'HEAD' ? 'GET' : method;
  return OPERATIONS.find((one) => one.method === asked && matches(one.path, trimmed));
}

/** The methods a path takes; none where there is no such path. */
export function allowedMethods(path: string): readonly string[] {
  const trimmed = withoutSlash(path);
  const described = OPERATIONS.filter((operation) => matches(operation.path, trimmed)).map(
    ({ method }) => method,
  );
  return described.length === 0 && otherPath(path) !== undefined ? ['GET'] : described;
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}

function matches(template: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = template.split('/');
  return (
    parts.length === wanted.length &&
    wanted.every((part, at) => (part.startsWith('{') ? parts[at] !== '' : part === parts[at]))
  );
}
