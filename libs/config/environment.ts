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

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every setting, by the name of its environment variable. docs/settings.md is made from these lines. */
export const environment = z.object({
  PORT: whole(3210, 0, 65_535).describe('Port of the HTTP server; 0 takes a free one.'),
  REFERENT_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address to bind. Other than loopback is refused, see REFERENT_ALLOW_PUBLIC.'),
  REFERENT_ALLOW_PUBLIC: flag.describe(
    'Unsafe: 1 binds beyond loopback although this version has no API keys. For containers whose port is published to loopback or to a trusted proxy only.',
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
  REFERENT_SHUTDOWN_MS: whole(10_000, 0, 600_000).describe(
    'Milliseconds that running requests get to finish after SIGTERM or Ctrl-C.',
  ),
  REDIS_URL: z
    .string()
    .optional()
    .describe('Reserved for a later version: ignored, with a warning.'),
  DATABASE_URL: z
    .string()
    .optional()
    .describe('Reserved for a later version: ignored, with a warning.'),
});

export type Environment = z.output<typeof environment>;
