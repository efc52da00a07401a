import { EXAMPLES } from './examples.js';
import { OPERATIONS, roleOf } from './operations.js';
import type { Operation } from './operation.js';
import type { ProblemCode } from './problem.js';
import { componentSchemas, type SchemaName } from './schemas.js';
import { STATUS } from './status.js';

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION = `Links the names in a text to the entities of your own knowledge base.

Offsets are half-open, \`[start, end)\`, and count UTF-16 units, or code points with \`offsetUnit: "codepoint"\`.
A request is answered as a whole or refused as a whole. Errors are problem details (RFC 9457) with a \`code\` for
programs and a \`detail\` for people. Every answer has an \`X-Request-Id\`: yours if you sent one.

Where the server has API keys (\`referent keys add\`), send one as \`Authorization: Bearer rk_…\` or \`X-Api-Key: rk_…\`;
Authorize puts it into the requests of this page. \`x-referent-role\` says which role an operation needs: \`admin\` may
do all that \`annotate\` may.`;

/** Either of them; a request that has both, or two keys, is refused. */
const SECURITY_SCHEMES: Json = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key, as a bearer token.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'An API key.' },
};

/** The OpenAPI 3.1 document of the API, made from the schemas that requests are parsed with. */
export function openApiDocument(version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Referent',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The server that this page came from.' }],
    tags: [
      { name: 'link', description: 'Text in, links out.' },
      { name: 'jobs', description: 'Many texts in, links out later.' },
      { name: 'knowledge bases', description: 'What texts are linked to.' },
      { name: 'service', description: 'For who runs it.' },
    ],
    paths: paths(),
    components: { schemas: componentSchemas(), securitySchemes: SECURITY_SCHEMES },
  };
}

/** docs/openapi.json. */
export function openApiText(version: string): string {
  return `${JSON.stringify(openApiDocument(version), null, 2)}\n`;
}

function paths(): Json {
  const made: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    (made[operation.path] ??= {})[operation.method.toLowerCase()] = describe(operation);
  }
  return made;
}

function describe(operation: Operation): Json {
  const role = roleOf(operation);
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(operation.parameters === undefined
      ? {}
      : { parameters: operation.parameters.map((one) => ({ required: false, ...one })) }),
    ...requestBody(operation),
    'x-referent-role': role,
    security: role === 'public' ? [] : [{ bearer: [] }, { apiKey: [] }],
    responses: {
      [operation.status ?? 200]: success(operation),
      ...problems([...operation.problems, ...(role === 'public' ? [] : GUARDED_PROBLEMS)]),
    },
  };
}

/** What every request for which the server may want a key can meet. */
const GUARDED_PROBLEMS: readonly ProblemCode[] = ['unauthorized', 'forbidden', 'rate-limited'];

const STREAMS = {
  ndjson: 'application/x-ndjson',
  events: 'text/event-stream',
  text: 'text/plain',
} as const;

function success({ answer }: Operation): Json {
  const description = 'Done.';
  if (answer === 'none') return { description };
  const content = isStream(answer)
    ? { [STREAMS[answer]]: { schema: { type: 'string' } } }
    : { 'application/json': { schema: reference(answer) } };
  return { description, content };
}

function isStream(answer: string): answer is keyof typeof STREAMS {
  return answer in STREAMS;
}

function requestBody({ request, examples, ndjson }: Operation): Json {
  if (request === undefined && ndjson === undefined) return {};
  const json = request && {
    'application/json': {
      schema: reference(request),
      ...(examples === undefined ? {} : { examples: EXAMPLES[examples] }),
    },
  };
  const lines = ndjson && {
    'application/x-ndjson': { schema: { type: 'string', description: ndjson } },
  };
  return { requestBody: { required: true, content: { ...json, ...lines } } };
}

/** One entry a status: several codes may share it. */
function problems(codes: readonly ProblemCode[]): Json {
  const all: readonly ProblemCode[] = [...codes, 'internal'];
  const byStatus = new Map<number, string[]>();
  for (const code of all) byStatus.set(STATUS[code], [...(byStatus.get(STATUS[code]) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      {
        description: `\`${names.join('`, `')}\``,
        content: { 'application/problem+json': { schema: reference('Problem') } },
      },
    ]),
  );
}

function reference(schema: SchemaName): Json {
  return { $ref: `#/components/schemas/${schema}` };
}
