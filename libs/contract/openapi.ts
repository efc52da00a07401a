import { EXAMPLES } from './examples.js';
import { OPERATIONS, type Operation } from './operations.js';
import type { ProblemCode } from './problem.js';
import { componentSchemas, type SchemaName } from './schemas.js';
import { STATUS } from './status.js';

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION = `Links the names in a text to the entities of your own knowledge base.

Offsets are half-open, \`[start, end)\`, and count UTF-16 units, or code points with \`offsetUnit: "codepoint"\`.
A request is answered as a whole or refused as a whole. Errors are problem details (RFC 9457) with a \`code\` for
programs and a \`detail\` for people. Every answer has an \`X-Request-Id\`: yours if you sent one.`;

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
      { name: 'knowledge bases', description: 'What texts are linked to.' },
      { name: 'service', description: 'For who runs it.' },
    ],
    paths: paths(),
    components: { schemas: componentSchemas() },
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
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(operation.parameters === undefined
      ? {}
      : { parameters: operation.parameters.map((one) => ({ required: false, ...one })) }),
    ...requestBody(operation),
    responses: {
      200: {
        description: 'Done.',
        content: { 'application/json': { schema: reference(operation.answer) } },
      },
      ...problems(operation.problems),
    },
  };
}

function requestBody({ request, examples }: Operation): Json {
  if (request === undefined || examples === undefined) return {};
  const content = { schema: reference(request), examples: EXAMPLES[examples] };
  return { requestBody: { required: true, content: { 'application/json': content } } };
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
