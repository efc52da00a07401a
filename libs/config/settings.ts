import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ReferentError } from '../contract/errors.js';
import { isLoopback } from './loopback.js';
import { packageRoot } from './package-root.js';

const whole = (fallback: number, min: number, max: number) => {
  const error = `expected a whole number from ${min} to ${max}; the default is ${fallback}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, error)
    .default(fallback);
};

const flag = z
  .enum(['0', '1', 'false', 'true'], { error: 'expected 1 or 0; the default is 0' })
  .transform((value) => value === '1' || value === 'true')
  .default(false);

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every setting, by the name of its environment variable. docs/settings.md is written from these lines. */
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
      'Folder of the model. Default: `models/referent-v0` in the folder of package.json; a relative path is taken from the current folder.',
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
    .describe(
      'silent, error, warn, info (a line a request) or debug. Log lines are JSON, on stderr, and hold no texts.',
    ),
  REFERENT_MAX_TEXT_CHARS: whole(200_000, 1, 50_000_000).describe(
    'Longest text of one document, in UTF-16 units.',
  ),
  REFERENT_MAX_BODY_BYTES: whole(4_194_304, 1_024, 1_073_741_824).describe(
    'Largest request body in bytes, after decompression.',
  ),
  REFERENT_MAX_DOCUMENTS: whole(100, 1, 100_000).describe('Most documents in one request.'),
  REFERENT_MAX_MENTIONS: whole(1_000, 1, 1_000_000).describe(
    'Most given mentions in one document.',
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

type Environment = z.output<typeof environment>;

/** What one request may ask for. */
export interface RequestLimits {
  readonly maxTextChars: number;
  readonly maxBodyBytes: number;
  readonly maxDocuments: number;
  readonly maxMentions: number;
}

export interface Settings {
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute. */
  readonly modelDir: string;
  readonly defaultKb: string | null;
  readonly threads: number;
  readonly logLevel: LogLevel;
  readonly limits: RequestLimits;
  readonly maxConcurrent: number;
  readonly maxWaiting: number;
  readonly shutdownMs: number;
  /** Said once at start: settings that do nothing in this version, and likely typing errors. */
  readonly warnings: readonly string[];
}

/** A typing error in a name would otherwise go unnoticed. Names that scripts and benches use are let through. */
const OTHER_NAMES = new Set(['REFERENT_WORLDS']);

export type RawEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Settings from environment variables; an empty value counts as unset.
 * @throws ReferentError `invalid-input` that lists every bad key at once, with value, limit and remedy.
 */
export function parseSettings(env: RawEnvironment): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  const problems = [
    ...(parsed.error?.issues ?? []).map((issue) => badKey(given, issue)),
    ...publicHost(given),
  ];
  if (!parsed.success || problems.length > 0) {
    throw new ReferentError('invalid-input', `Settings are wrong:\n  ${problems.join('\n  ')}`);
  }
  return toSettings(parsed.data, warningsOf(given));
}

/** The settings of this process: the only reader of `process.env`. Overrides are for command-line options. */
export function loadSettings(overrides: RawEnvironment = {}): Settings {
  return parseSettings({ ...process.env, ...overrides });
}

function badKey(env: RawEnvironment, issue: z.core.$ZodIssue): string {
  const key = String(issue.path[0]);
  return `${key} is ${JSON.stringify(env[key])}: ${issue.message}.`;
}

function publicHost(env: RawEnvironment): string[] {
  const host = env['REFERENT_HOST'] ?? '127.0.0.1';
  if (isLoopback(host) || flag.safeParse(env['REFERENT_ALLOW_PUBLIC']).data) return [];
  return [
    `REFERENT_HOST is ${JSON.stringify(host)}: this version has no API keys, so it binds to loopback only ` +
      '(127.0.0.1, ::1 or localhost). Put an authenticating proxy in front; or, where the port is ' +
      'reachable by trusted callers only (a container), set REFERENT_ALLOW_PUBLIC=1.',
  ];
}

function toSettings(env: Environment, warnings: readonly string[]): Settings {
  return {
    port: env.PORT,
    host: env.REFERENT_HOST,
    dataDir: resolve(env.REFERENT_DATA_DIR ?? join(packageRoot(), '.referent')),
    modelDir: resolve(env.REFERENT_MODEL_DIR ?? join(packageRoot(), 'models', 'referent-v0')),
    defaultKb: env.REFERENT_DEFAULT_KB ?? null,
    threads: env.REFERENT_THREADS,
    logLevel: env.REFERENT_LOG_LEVEL,
    limits: {
      maxTextChars: env.REFERENT_MAX_TEXT_CHARS,
      maxBodyBytes: env.REFERENT_MAX_BODY_BYTES,
      maxDocuments: env.REFERENT_MAX_DOCUMENTS,
      maxMentions: env.REFERENT_MAX_MENTIONS,
    },
    maxConcurrent: env.REFERENT_MAX_CONCURRENT,
    maxWaiting: env.REFERENT_MAX_WAITING,
    shutdownMs: env.REFERENT_SHUTDOWN_MS,
    warnings,
  };
}

function warningsOf(env: RawEnvironment): string[] {
  const reserved = [
    ['REDIS_URL', 'jobs run inside this process'],
    ['DATABASE_URL', 'knowledge bases are SQLite files in REFERENT_DATA_DIR'],
  ] as const;
  return [
    ...reserved
      .filter(([key]) => env[key] !== undefined)
      .map(([key, instead]) => `${key} is set, but this version does not use it: ${instead}.`),
    ...Object.keys(env)
      .filter(isUnknown)
      .map((key) => `${key} is not a setting: it does nothing. See docs/settings.md.`),
    ...(env['REFERENT_ALLOW_PUBLIC'] && !isLoopback(env['REFERENT_HOST'] ?? '127.0.0.1')
      ? [
          'Anyone who reaches this port can use it: REFERENT_ALLOW_PUBLIC is set and there are no API keys.',
        ]
      : []),
  ];
}

function isUnknown(key: string): boolean {
  return key.startsWith('REFERENT_') && !(key in environment.shape) && !OTHER_NAMES.has(key);
}
