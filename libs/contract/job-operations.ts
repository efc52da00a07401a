/** Batch annotation, as /docs tells it; part of `OPERATIONS`. */
const jobParameter = {
  name: 'id',
  in: 'path',
  description: 'The id of the job.',
  required: true,
  example: '0b7f1f0e-6d1c-4c2e-9f38-2f6f7f3f4a11',
  schema: { type: 'string' },
} as const;

const OPTIONS = [
  ['rerank', 'adaptive', { type: 'string', enum: ['adaptive', 'full', 'none'] }],
  ['offsetUnit', 'utf16', { type: 'string', enum: ['utf16', 'codepoint'] }],
  ['candidates', 'false', { oneOf: [{ type: 'boolean' }, { type: 'integer' }] }],
  ['minConfidence', 0.5, { type: 'number', minimum: 0, maximum: 1 }],
  ['minPrecision', 0.9, { type: 'number', minimum: 0, maximum: 1 }],
  ['includeNil', 'false', { type: 'boolean' }],
  ['priors', 'true', { type: 'boolean', default: true }],
] as const;

export const JOB_OPERATIONS = [
  {
    method: 'POST',
    path: '/v1/jobs',
    id: 'createJob',
    role: 'annotate',
    tag: 'jobs',
    summary: 'Annotate many documents in the background.',
    description:
      'The answer, with the id and a Location, comes when all documents are stored; a request that breaks off leaves ' +
      'nothing. A JSON body is refused as a whole where one document is wrong. In a stream of JSON Lines a line that ' +
      'is no document gets an error in its result and the rest goes on; a stream without a single document is refused.',
    request: 'JobRequest',
    ndjson:
      'A document a line: {"id", "text", "mentions"?}. Knowledge base and options are parameters of the query. ' +
      'May be packed with gzip (Content-Encoding).',
    examples: 'jobs',
    parameters: [
      {
        name: 'kb',
        in: 'query',
        description: 'Of JSON Lines; a JSON body names it itself.',
        example: 'demo',
        schema: { type: 'string' },
      },
      ...OPTIONS.map(([name, example, schema]) => {
        const description = 'Of JSON Lines: the option of this name.';
        return { name, in: 'query', description, example, schema } as const;
      }),
      {
        name: 'Idempotency-Key',
        in: 'header',
        description:
          'Yours. Sent again with the same content it gives the same job; with another content it is refused as ' +
          '`job-conflict`. It is forgotten with the job.',
        example: 'night-of-2026-03-01',
        schema: { type: 'string', minLength: 1, maxLength: 255 },
      },
    ],
    status: 202,
    answer: 'Job',
    problems: [
      'invalid-input',
      'malformed-json',
      'kb-not-found',
      'too-large',
      'unsupported-media-type',
      'busy',
      'not-ready',
      'job-conflict',
      'disk-full',
    ],
  },
  {
    method: 'GET',
    path: '/v1/jobs',
    id: 'listJobs',
    role: 'admin',
    tag: 'jobs',
    summary: 'The jobs there are, newest first.',
    parameters: [
      {
        name: 'limit',
        in: 'query',
        description: 'Most jobs in the answer.',
        example: 20,
        schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
      },
    ],
    answer: 'JobsResponse',
    problems: ['invalid-input'],
  },
  {
    method: 'GET',
    path: '/v1/jobs/{id}',
    id: 'getJob',
    tag: 'jobs',
    summary: 'How far a job is.',
    parameters: [jobParameter],
    answer: 'Job',
    problems: ['job-not-found'],
  },
  {
    method: 'DELETE',
    path: '/v1/jobs/{id}',
    id: 'cancelJob',
    role: 'annotate',
    tag: 'jobs',
    summary: 'Stop a job.',
    description:
      'It ends between two documents; what it has results of stays readable until it expires. Nothing happens to a job that has ended.',
    parameters: [jobParameter],
    status: 204,
    answer: 'none',
    problems: ['job-not-found'],
  },
  {
    method: 'GET',
    path: '/v1/jobs/{id}/events',
    id: 'followJob',
    tag: 'jobs',
    summary: 'Server-sent events of a job.',
    description:
      '`progress` when something has changed, at most twice a second, and `end` when the job has ended, each with the ' +
      'job as its data; then the stream ends, and the client should not come again. Comments keep it open in between.',
    parameters: [jobParameter],
    answer: 'events',
    problems: ['job-not-found'],
  },
  {
    method: 'GET',
    path: '/v1/jobs/{id}/results',
    id: 'jobResults',
    tag: 'jobs',
    summary: 'The results of a job, in the order of its documents.',
    description:
      'JSON Lines, each a JobResult: {"line", "id", "links"} or {"line", "id", "error": {"code", "detail"}}. While the ' +
      'job runs, those up to the first document without a result; of a cancelled job, all there are. A reader that ' +
      'was cut off goes on with `offset` set to the `line` of its last result.',
    parameters: [
      jobParameter,
      {
        name: 'offset',
        in: 'query',
        description: 'Results of the lines after this one.',
        example: 0,
        schema: { type: 'integer', minimum: 0, default: 0 },
      },
      {
        name: 'limit',
        in: 'query',
        description: 'Most results in the answer; all where absent.',
        example: 1_000,
        schema: { type: 'integer', minimum: 1 },
      },
      {
        name: 'wait',
        in: 'query',
        description: 'true: follows the job, and ends when it has.',
        example: 'false',
        schema: { type: 'boolean', default: false },
      },
    ],
    answer: 'ndjson',
    problems: ['invalid-input', 'job-not-found'],
  },
] as const;
