import type { ProblemCode } from './problem.js';
import type { EXAMPLES } from './examples.js';
import type { SchemaName } from './schemas.js';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly description: string;
  readonly required?: boolean;
  readonly example: string | number;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** One operation of the API as /docs tells it, and as the router is held to it by a test. */
export interface Operation {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly id: string;
  readonly tag: 'link' | 'knowledge bases' | 'service';
  readonly summary: string;
  readonly description?: string;
  readonly request?: SchemaName;
  /** Request bodies that run against the demo KB. */
  readonly examples?: keyof typeof EXAMPLES;
  readonly parameters?: readonly Parameter[];
  readonly answer: SchemaName;
  readonly problems: readonly ProblemCode[];
}

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

export const OPERATIONS: readonly Operation[] = [
  {
    method: 'POST',
    path: '/v1/annotate',
    id: 'annotate',
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
    tag: 'knowledge bases',
    summary:
      'Teach a knowledge base what names mean, from a text with its mentions and their entities.',
    description:
      'Counts from the answer on, in this process at once and in others within a second: how often a name means an ' +
      'entity, and names that only such texts use. The same feedback counts once. `busy` while an import runs.',
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
      {
        name: 'id',
        in: 'path',
        description: "The entity's id, percent-encoded (a slash is %2F).",
        required: true,
        example: 'mercury-planet',
        schema: { type: 'string' },
      },
      kbParameter,
    ],
    answer: 'EntityResponse',
    problems: ['invalid-input', 'kb-not-found', 'entity-not-found'],
  },
  {
    method: 'GET',
    path: '/health/live',
    id: 'live',
    tag: 'service',
    summary: 'Whether the process runs.',
    answer: 'HealthResponse',
    problems: [],
  },
  {
    method: 'GET',
    path: '/health/ready',
    id: 'ready',
    tag: 'service',
    summary: 'Whether links can be made.',
    answer: 'ReadyResponse',
    problems: ['not-ready'],
  },
];

/** Paths outside the described API that exist too. */
const OTHER_PATHS: readonly string[] = ['/', '/docs', '/docs/openapi.json'];

/** The methods a path takes; none where there is no such path. */
export function allowedMethods(path: string): readonly string[] {
  const trimmed = path.length > 1 ? path.replace(/\/$/, '') : path;
  const described = OPERATIONS.filter((operation) => matches(operation.path, trimmed)).map(
    ({ method }) => method,
  );
  return described.length === 0 && OTHER_PATHS.includes(trimmed) ? ['GET'] : described;
}

function matches(template: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = template.split('/');
  return (
    parts.length === wanted.length &&
    wanted.every((part, at) => (part.startsWith('{') ? parts[at] !== '' : part === parts[at]))
  );
}
