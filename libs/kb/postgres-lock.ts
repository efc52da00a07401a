import { setTimeout as sleep } from 'node:timers/promises';
import { ReferentError } from '../contract/errors.js';
import type { OwnConnection, PgSession } from './postgres-driver.js';
import type { PostgresKb, PostgresKbSession } from './postgres-kb.js';

/**
 * First keys of our advisory locks ('Ref' and a kind); the second is a KB's number. `import`: one import a KB.
 * `publish`: the time in which an import makes its changes visible, from reserving their sequences to the commit; an
 * import has it alone, single writes share it. `lead`: one that leads a re-embedding.
 */
const KINDS = { import: 0x52656601, publish: 0x52656602, lead: 0x52656603 } as const;

const RETRY_MS = 20;
/** Single writes hold the publish lock for moments; while we wait in line, nobody new gets it. */
const WINDOW_PATIENCE_MS = 10_000;

/**
 * At most one import a KB, over all processes and machines. An advisory lock of a connection of its own, which the
 * server drops with the connection: when the process dies, however it dies, and when the server itself restarts. What
 * the lock guards runs on that connection, so nothing goes on without it.
 */
export class PostgresImportLock {
  /** Statements on the connection that holds the lock, one piece of work at a time. */
  private queue: Promise<unknown> = Promise.resolve();
  private hasWindow = false;
  private readonly session: PostgresKbSession;

  private constructor(
    private readonly kb: PostgresKb,
    private readonly own: OwnConnection,
  ) {
    this.session = kb.on(own.connection);
  }

  /** Takes the lock, waiting a while: cleaning up holds it for moments. */
  static async await(kb: PostgresKb, patienceMs: number): Promise<PostgresImportLock> {
    const own = await locked(kb, 'import', patienceMs);
    if (own !== null) return new PostgresImportLock(kb, own);
    throw importRuns(kb);
  }

  /** null while an import runs. */
  static async tryTake(kb: PostgresKb): Promise<PostgresImportLock | null> {
    const own = await locked(kb, 'import', 0);
    return own && new PostgresImportLock(kb, own);
  }

  use<T>(work: (session: PostgresKbSession) => Promise<T>): Promise<T> {
    const result = this.queue.then(() => work(this.session));
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** From here on nobody else writes, until the release. Called within `use`. */
  async openWindow(): Promise<void> {
    if (this.hasWindow) return;
    const { number } = this.kb.identity;
    await this.session.run(`SET lock_timeout = ${WINDOW_PATIENCE_MS}`);
    await this.session.run('SELECT pg_advisory_lock($1, $2)', KINDS.publish, number);
    await this.session.run('RESET lock_timeout');
    this.hasWindow = true;
  }

  /** The server gives the locks back with the connection. */
  async release(): Promise<void> {
    await this.queue;
    await this.own.end();
  }
}

/** Makes this process the one that leads a re-embedding; null where another one does. */
export function leadershipOf(kb: PostgresKb): Promise<OwnConnection | null> {
  return locked(kb, 'lead', 0);
}

/** In a transaction: until its end no import becomes visible. @throws ReferentError `busy` while one does. */
export async function keepWindowShut(
  session: PgSession,
  kb: PostgresKb,
  patienceMs: number,
): Promise<void> {
  const sql = 'SELECT pg_try_advisory_xact_lock_shared($1, $2)';
  const attempt = () => session.value(sql, KINDS.publish, kb.identity.number);
  if (await retried(attempt, patienceMs)) return;
  throw new ReferentError(
    'busy',
    `an import into ${kb.identity.name} is becoming visible, and nothing else can be written meanwhile; try again when it is done`,
  );
}

/** In a transaction: until its end no import can begin. @throws ReferentError `busy` while one runs. */
export async function keepImportsOut(
  session: PgSession,
  kb: PostgresKb,
  patienceMs: number,
): Promise<void> {
  const sql = 'SELECT pg_try_advisory_xact_lock($1, $2)';
  const attempt = () => session.value(sql, KINDS.import, kb.identity.number);
  if (!(await retried(attempt, patienceMs))) throw importRuns(kb);
}

async function locked(
  kb: PostgresKb,
  kind: keyof typeof KINDS,
  patienceMs: number,
): Promise<OwnConnection | null> {
  kb.assertOpen();
  const own = await kb.database.connect();
  const sql = 'SELECT pg_try_advisory_lock($1, $2)';
  const attempt = () => own.connection.value(sql, KINDS[kind], kb.identity.number);
  try {
    if (await retried(attempt, patienceMs)) return own;
  } catch (error) {
    await own.end();
    throw error;
  }
  await own.end();
  return null;
}

async function retried(attempt: () => Promise<unknown>, patienceMs: number): Promise<boolean> {
  const until = performance.now() + patienceMs;
  for (;;) {
    if ((await attempt()) === true) return true;
    if (performance.now() >= until) return false;
    await sleep(RETRY_MS);
  }
}

function importRuns({ identity }: PostgresKb): ReferentError {
  return new ReferentError(
    'busy',
    `an import into ${identity.name} is running already; wait for it to end, or stop it, and try again`,
  );
}
