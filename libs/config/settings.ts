import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { ReferentError } from '../contract/errors.js';
import { environment, flag, type Environment, type LogLevel } from './environment.js';
import { isLoopback } from './loopback.js';
import { packageRoot } from './package-root.js';

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
    modelDir: resolve(env.REFERENT_MODEL_DIR ?? join(packageRoot(), 'models', 'referent-v1')),
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
