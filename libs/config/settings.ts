import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { ReferentError } from '../contract/errors.js';
import { environment, type Environment, type LogLevel } from './environment.js';
import { packageRoot } from './package-root.js';

/** What one request may ask for. */
export interface RequestLimits {
  readonly maxTextChars: number;
  readonly maxBodyBytes: number;
  readonly maxBulkBytes: number;
  readonly maxDocuments: number;
  readonly maxMentions: number;
}

/** Who may call, from where, and how often. */
export interface AccessSettings {
  /** Lower-case names for the Host header, besides those of loopback. */
  readonly allowedHosts: readonly string[];
  /** Exact origins, or `*`. */
  readonly corsOrigins: readonly string[];
  /** 0: no limit. */
  readonly ratePerMinute: number;
  readonly rateBurst: number;
}

export interface JobSettings {
  /** That have not ended. */
  readonly maxJobs: number;
  readonly maxDocuments: number;
  /** Of a stream. */
  readonly maxBytes: number;
  readonly resultsHours: number;
}

export interface QueueSettings {
  readonly prefix: string;
  readonly rerankDeadlineMs: number;
  readonly concurrency: number;
  readonly maxWaiting: number;
}

export interface Settings {
  readonly port: number;
  readonly host: string;
  /** Binding beyond loopback without API keys was asked for. */
  readonly allowPublic: boolean;
  /** Absolute. */
  readonly keysFile: string;
  readonly access: AccessSettings;
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute. */
  readonly modelDir: string;
  /** Absolute. */
  readonly modelsDir: string;
  /** null: jobs run inside the process. */
  readonly redisUrl: string | null;
  readonly queue: QueueSettings;
  /** null: SQLite files in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly defaultKb: string | null;
  readonly threads: number;
  /** For what the models have computed; 0: nothing is kept. */
  readonly cacheBytes: number;
  readonly logLevel: LogLevel;
  readonly limits: RequestLimits;
  readonly jobs: JobSettings;
  readonly maxConcurrent: number;
  readonly maxWaiting: number;
  readonly maxUploads: number;
  readonly maxStreams: number;
  readonly requestTimeoutMs: number;
  readonly shutdownMs: number;
  /** Said once at start: unsafe settings, and likely typing errors. */
  readonly warnings: readonly string[];
}

/** A typing error in a name would otherwise go unnoticed. Names that scripts and benches use are let through. */
const OTHER_NAMES = new Set(['REFERENT_WORLDS']);

/** Values that no message may repeat. */
const HOLDS_PASSWORD = new Set(['REDIS_URL', 'DATABASE_URL']);

export type RawEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Settings from environment variables; an empty value counts as unset.
 * @throws ReferentError `invalid-input` that lists every bad key at once, with value, limit and remedy.
 */
export function parseSettings(env: RawEnvironment): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  const problems = (parsed.error?.issues ?? []).map((issue) => badKey(given, issue));
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
  return HOLDS_PASSWORD.has(key)
    ? `${key}: ${issue.message}.`
    : `${key} is ${JSON.stringify(env[key])}: ${issue.message}.`;
}

function toSettings(env: Environment, warnings: readonly string[]): Settings {
  const dataDir = resolve(env.REFERENT_DATA_DIR ?? join(packageRoot(), '.referent'));
  const modelDir = resolve(env.REFERENT_MODEL_DIR ?? join(packageRoot(), 'models', 'referent-v1'));
  return {
    port: env.PORT,
    host: env.REFERENT_HOST,
    allowPublic: env.REFERENT_ALLOW_PUBLIC,
    keysFile: resolve(env.REFERENT_KEYS_FILE ?? join(dataDir, 'api-keys.json')),
    access: {
      allowedHosts: env.REFERENT_ALLOWED_HOSTS.map((name) => name.toLowerCase()),
      corsOrigins: env.REFERENT_CORS_ORIGINS,
      ratePerMinute: env.REFERENT_RATE_PER_MINUTE,
      rateBurst: env.REFERENT_RATE_BURST,
    },
    dataDir,
    modelDir,
    modelsDir: resolve(env.REFERENT_MODELS_DIR ?? dirname(modelDir)),
    redisUrl: env.REDIS_URL ?? null,
    queue: {
      prefix: env.REFERENT_QUEUE_PREFIX,
      rerankDeadlineMs: env.REFERENT_RERANK_DEADLINE_MS,
      concurrency: env.REFERENT_WORKER_CONCURRENCY,
      maxWaiting: env.REFERENT_MAX_QUEUED,
    },
    databaseUrl: env.DATABASE_URL ?? null,
    defaultKb: env.REFERENT_DEFAULT_KB ?? null,
    threads: env.REFERENT_THREADS,
    cacheBytes: env.REFERENT_CACHE_MB * 1e6,
    logLevel: env.REFERENT_LOG_LEVEL,
    limits: {
      maxTextChars: env.REFERENT_MAX_TEXT_CHARS,
      maxBodyBytes: env.REFERENT_MAX_BODY_BYTES,
      maxBulkBytes: env.REFERENT_MAX_BULK_BYTES,
      maxDocuments: env.REFERENT_MAX_DOCUMENTS,
      maxMentions: env.REFERENT_MAX_MENTIONS,
    },
    jobs: {
      maxJobs: env.REFERENT_MAX_JOBS,
      maxDocuments: env.REFERENT_MAX_JOB_DOCUMENTS,
      maxBytes: env.REFERENT_MAX_JOB_BYTES,
      resultsHours: env.REFERENT_RESULTS_HOURS,
    },
    maxConcurrent: env.REFERENT_MAX_CONCURRENT,
    maxWaiting: env.REFERENT_MAX_WAITING,
    maxUploads: env.REFERENT_MAX_UPLOADS,
    maxStreams: env.REFERENT_MAX_STREAMS,
    requestTimeoutMs: env.REFERENT_REQUEST_TIMEOUT_MS,
    shutdownMs: env.REFERENT_SHUTDOWN_MS,
    warnings,
  };
}

function warningsOf(env: RawEnvironment): string[] {
  return Object.keys(env)
    .filter(isUnknown)
    .map((key) => `${key} is not a setting: it does nothing. See docs/settings.md.`);
}

function isUnknown(key: string): boolean {
  return key.startsWith('REFERENT_') && !(key in environment.shape) && !OTHER_NAMES.has(key);
}
