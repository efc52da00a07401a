import { availableParallelism } from 'node:os';
import { z } from 'zod';

const whole = (fallback: number, min: number, max: number) => {
  const error = `expected a whole number from ${min} to ${max}; the default is ${fallback}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, error)
    .default(fallback)
    .meta({ values: `${min} to ${max}` });
};

export const flag = z
  .enum(['0', '1', 'false', 'true'], { error: 'expected 1 or 0; the default is 0' })
  .transform((value) => value === '1' || value === 'true')
  .default(false)
  .meta({ values: '0 or 1' });

/** The value may hold a password, so that no message repeats it. */
const address = (schemes: readonly string[]) =>
  z
    .string()
    .refine((value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)), {
      error: `expected an address that begins with ${schemes[0] ?? ''}://`,
    })
    .optional()
    .meta({ values: `${schemes[0] ?? ''}://…` });

/** Comma-separated; each is checked, and all wrong ones are told. */
const list = (what: string, isRight: (one: string) => boolean) =>
  z
    .string()
    .transform((value) => value.split(',').map((one) => one.trim()))
    .refine((all) => all.every(isRight), { error: `expected ${what}, separated by commas` })
    .default([])
    .meta({ values: `${what}, …` });

/** As a browser writes it: `https://example.org`, with the port where it is not the scheme's own, and no path. */
function isOrigin(value: string): boolean {
  return value === '*' || (URL.canParse(value) && new URL(value).origin === value);
}

const HOST_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every setting, by the name of its environment variable. docs/settings.md is made from these lines. */
export const environment = z.object({
  PORT: whole(3210, 0, 65_535).describe('Port of the HTTP server; 0 takes a free one.'),
  REFERENT_HOST: z
    .string()
    .default('127.0.0.1')
    .describe(
      'Address to bind. Other than loopback is refused without API keys: `referent keys add`.',
    ),
  REFERENT_ALLOW_PUBLIC: flag.describe(
    'Unsafe: 1 binds beyond loopback without API keys. For containers whose port is published to loopback or to a trusted proxy only.',
  ),
  REFERENT_KEYS_FILE: z
    .string()
    .optional()
    .describe(
      'File of the API keys. Default: `api-keys.json` in REFERENT_DATA_DIR. Servers on several machines read one file on a shared folder, or copies of it.',
    ),
  REFERENT_ALLOWED_HOSTS: list('host names', (one) => HOST_NAME.test(one)).describe(
    'Names that requests may have in their Host header besides those of loopback and the address itself. Without it, any name is let in once there are API keys; without keys only those of loopback are, so that no web page can reach the server under a name of its own (DNS rebinding).',
  ),
  REFERENT_CORS_ORIGINS: list('origins such as https://example.org, or *', isOrigin).describe(
    'Origins whose web pages may call the API from a browser; `*` is all of them. Without it none may.',
  ),
  REFERENT_DATA_DIR: z
    .string()
    .optional()
    .describe(
      'Folder of the knowledge bases and their indexes. Default: `.referent` in the folder of package.json, whatever the current folder is; a relative path is taken from the current folder.',
    ),
  REFERENT_MODEL_DIR: z
    .string()
    .optional()
    .describe(
      'Folder of the model. Default: `models/referent-v1` in the folder of package.json; a relative path is taken from the current folder.',
    ),
  REFERENT_DEFAULT_KB: z
    .string()
    .optional()
    .describe(
      'Knowledge base for requests that name none. Without it, the only one there is, else such a request is refused.',
    ),
  REFERENT_THREADS: whole(availableParallelism(), 1, 256).describe(
    'Threads that the model computes with. Default: the number of cores.',
  ),
  REFERENT_CACHE_MB: whole(64, 0, 1_048_576).describe(
    'Megabytes (10^6 bytes) for what the model computed last: the same text, mentions and entities are not computed twice. 0 keeps nothing.',
  ),
  REFERENT_LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `expected one of ${LOG_LEVELS.join(', ')}; the default is info` })
    .default('info')
    .meta({ values: LOG_LEVELS.join(', ') })
    .describe('`info` writes a line a request. Log lines are JSON, on stderr, and hold no texts.'),
  REFERENT_MAX_TEXT_CHARS: whole(200_000, 1, 50_000_000).describe(
    'Longest text of one document, in UTF-16 units.',
  ),
  REFERENT_MAX_BODY_BYTES: whole(4_194_304, 1_024, 1_073_741_824).describe(
    'Largest request body in bytes, after decompression.',
  ),
  REFERENT_MAX_BULK_BYTES: whole(1_073_741_824, 1_024, 999_999_999_999_999).describe(
    'Largest stream of entities (POST /v1/entities with JSON Lines) in bytes, after decompression; it is read line by line.',
  ),
  REFERENT_MAX_DOCUMENTS: whole(100, 1, 100_000).describe('Most documents in one request.'),
  REFERENT_MAX_MENTIONS: whole(1_000, 1, 1_000_000).describe(
    'Most given mentions in one document; all documents of a request may have ten times as many.',
  ),
  REFERENT_MAX_CONCURRENT: whole(4, 1, 1_024).describe(
    'Documents that are worked on at the same time, over all requests.',
  ),
  REFERENT_MAX_WAITING: whole(64, 0, 1_000_000).describe(
    'Requests that may wait for their turn; one more is answered 429 with Retry-After.',
  ),
  REFERENT_MAX_UPLOADS: whole(4, 1, 1_024).describe(
    'Uploads of JSON Lines at the same time; they do not count among the waiting.',
  ),
  REFERENT_MAX_STREAMS: whole(64, 1, 100_000).describe(
    'Answers at the same time that go on for as long as a job runs: events, and results as JSON Lines.',
  ),
  REFERENT_REQUEST_TIMEOUT_MS: whole(60_000, 100, 3_600_000).describe(
    'Milliseconds in which a request must have arrived; an upload of JSON Lines may take as long as it likes, but not so long without a byte.',
  ),
  REFERENT_RATE_PER_MINUTE: whole(0, 0, 1_000_000).describe(
    'Requests a minute of one API key, or of one client address where there are no keys; more are answered 429 with Retry-After. 0 sets no limit. Each process counts for itself.',
  ),
  REFERENT_RATE_BURST: whole(20, 1, 1_000_000).describe(
    'Requests of one key or address that may come at once before the rate counts.',
  ),
  REFERENT_SHUTDOWN_MS: whole(10_000, 0, 600_000).describe(
    'Milliseconds that running requests get to finish after SIGTERM or Ctrl-C.',
  ),
  REFERENT_MAX_JOBS: whole(100, 1, 100_000).describe(
    'Jobs (POST /v1/jobs) that have not ended; one more is answered 429 with Retry-After.',
  ),
  REFERENT_MAX_JOB_DOCUMENTS: whole(1_000_000, 1, 100_000_000).describe(
    'Most documents in one job.',
  ),
  REFERENT_MAX_JOB_BYTES: whole(2_147_483_648, 1_024, 1_099_511_627_776).describe(
    'Largest stream of JSON Lines in bytes, after decompression; one line is at most REFERENT_MAX_BODY_BYTES.',
  ),
  REFERENT_RESULTS_HOURS: whole(24, 1, 8_760).describe(
    'Hours that the results of a job are kept after it has ended.',
  ),
  REFERENT_MODELS_DIR: z
    .string()
    .optional()
    .describe(
      'Folder of all models that a knowledge base may be embedded with. Default: the folder that REFERENT_MODEL_DIR is in.',
    ),
  REFERENT_QUEUE_PREFIX: z
    .string()
    .regex(/^[\w-]{1,64}$/u, {
      error: 'expected 1 to 64 letters, digits, _ and -; the default is referent',
    })
    .default('referent')
    .describe(
      'Begins every key in Redis: API processes and workers with the same one share the queues.',
    ),
  REFERENT_RERANK_DEADLINE_MS: whole(5_000, 50, 600_000).describe(
    'With REDIS_URL: milliseconds that a request waits for the worker that reranks a document; then it is answered without, and says `degraded`.',
  ),
  REFERENT_WORKER_CONCURRENCY: whole(4, 1, 64).describe(
    'Jobs of one queue that a process works on at the same time; of `embed` and `publish` always one.',
  ),
  REFERENT_MAX_QUEUED: whole(10_000, 1, 10_000_000).describe(
    'Jobs of one queue that may wait; one more is refused as busy.',
  ),
  REDIS_URL: address(['redis', 'rediss']).describe(
    'Redis 7 for the job queues. Without it jobs run inside this process.',
  ),
  DATABASE_URL: address(['postgres', 'postgresql']).describe(
    'PostgreSQL for the knowledge bases. Without it they are SQLite files in REFERENT_DATA_DIR.',
  ),
});

export type Environment = z.output<typeof environment>;
