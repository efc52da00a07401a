import { ReferentError, type ErrorCode } from '../contract/errors.js';

const START = 'see that PostgreSQL runs and is reachable, and try again';
const SETUP = 'check DATABASE_URL: user, password, database and their rights';
const RIGHTS = 'grant the user CREATE on the database (GRANT CREATE ON DATABASE … TO …)';
const WAIT = 'wait for the other write or import to end and try again';

type Known = readonly [prefix: string, code: ErrorCode, what: string, remedy: string];

/** SQLSTATEs by their beginnings that have an answer; the rest are faults of our own and stay as they are. */
const STATES: readonly Known[] = [
  ['08', 'not-ready', 'no connection to', START],
  ['57P', 'not-ready', 'connection ended by', START],
  ['53300', 'not-ready', 'too many connections to', 'raise max_connections, or run fewer processes'],
  ['53100', 'disk-full', 'no room left in', 'free space on its disk and run the command again'],
  ['53200', 'not-ready', 'out of memory in', 'give PostgreSQL more memory and try again'],
  ['40001', 'busy', 'another write stands in the way in', WAIT],
  ['40P01', 'busy', 'another write stands in the way in', WAIT],
  ['55P03', 'busy', 'another write holds what is needed in', WAIT],
  ['57014', 'busy', 'took too long in', WAIT],
  ['28', 'store-invalid', 'not let into', SETUP],
  ['3D000', 'store-invalid', 'there is no', 'make it (CREATE DATABASE … ENCODING UTF8), or correct DATABASE_URL'],
  ['42501', 'store-invalid', 'not allowed in', RIGHTS],
  ['25006', 'store-invalid', 'cannot write to', 'use the primary, not a standby, in DATABASE_URL'],
  ['22021', 'store-invalid', 'cannot hold all texts:', 'make the database with ENCODING UTF8'],
  ['22P05', 'store-invalid', 'cannot hold all texts:', 'make the database with ENCODING UTF8'],
  ['XX001', 'store-invalid', 'damaged data in', 'restore the database from a copy'],
  ['XX002', 'store-invalid', 'damaged index in', 'run REINDEX, or restore the database from a copy'],
  ['58030', 'store-invalid', 'reading or writing failed in', 'check its disk'],
];

/** What the driver and the system say where there is no answer from the server. */
const NO_CONNECTION =
  /^E[A-Z]+$|connection (terminated|error|ended|timeout)|terminat(ed|ing)|timeout exceeded when trying to connect|not queryable|after calling end|server closed|getaddrinfo/i;

/** What a schema or table that is gone looks like. */
const GONE = new Set(['3F000', '42P01']);

/** Turns errors of PostgreSQL and of its driver into ours, with the cause kept. `target` names the database. */
export function mapPostgresError(error: unknown, target: string): unknown {
  if (!(error instanceof Error) || error instanceof ReferentError) return error;
  const known = knownOf(error);
  if (known === undefined) return error;
  const [, code, what, remedy] = known;
  return new ReferentError(code, `${what} ${target} (${messageOf(error)}); ${remedy}`, {
    cause: error,
  });
}

export function saysGone(error: unknown): boolean {
  return GONE.has(codeOf(error));
}

function knownOf(error: Error): Known | undefined {
  const code = codeOf(error);
  const known = STATES.find(([prefix]) => code.startsWith(prefix) && isSqlState(code));
  if (known !== undefined) return known;
  const isLost = !isSqlState(code) && (NO_CONNECTION.test(code) || NO_CONNECTION.test(error.message));
  return isLost ? ['', 'not-ready', 'no connection to', START] : undefined;
}

const isSqlState = (code: string): boolean => /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/** An `AggregateError` of addresses that were tried has no message of its own. */
function messageOf(error: Error): string {
  return error.message === '' ? codeOf(error) : error.message;
}
