import { ReferentError } from '../contract/errors.js';
import {
  EntityWriter,
  type EntityWrite,
  type WriteOptions,
  type WriteReport,
} from './kb-store.js';
import { breathe } from './settle.js';
import { changeVisibly, type ChangeShop } from './sqlite-change.js';
import type { SqliteConnection } from './sqlite-driver.js';
import { writePage } from './sqlite-write-page.js';

/** Somebody who waits for a page of writes. */
interface Waiting {
  readonly writes: readonly EntityWrite[];
  readonly options: WriteOptions;
  readonly resolve: (report: WriteReport) => void;
  readonly reject: (error: unknown) => void;
}

type Settled = { readonly report: WriteReport } | { readonly error: unknown };

/** A transaction holds the process up for some 100 µs an entity, so that this is some 50 ms at most. */
const WRITES_A_GROUP = 512;

/**
 * Pages that wait at the same time share a transaction, so that many small writers do not wait for a disk's flush each
 * one after the other. A page that fails leaves the others of its group as they are.
 */
export class SqliteEntityWriter extends EntityWriter {
  private readonly waiting: Waiting[] = [];
  private isWorking = false;

  constructor(private readonly shop: ChangeShop) {
    super();
  }

  override write(writes: readonly EntityWrite[], options: WriteOptions): Promise<WriteReport> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ writes, options, resolve, reject });
      if (!this.isWorking) void this.work();
    });
  }

  private async work(): Promise<void> {
    this.isWorking = true;
    // Who else writes in this turn of the event loop comes along.
    await breathe();
    for (;;) {
      const group = takeGroup(this.waiting);
      if (group.length === 0) break;
      await this.commit(group);
    }
    this.isWorking = false;
  }

  private async commit(group: readonly Waiting[]): Promise<void> {
    try {
      const settled = await this.writeGroup(group);
      group.forEach((waiting, at) => {
        settle(waiting, settled[at]);
      });
    } catch (error) {
      if (group.length === 1 || isForAll(error)) rejectAll(group, error);
      else for (const waiting of group) await this.commit([waiting]);
    }
  }

  private writeGroup(group: readonly Waiting[]): Promise<Settled[]> {
    return changeVisibly(this.shop, {
      beforeCommit: group.find(({ options }) => options.beforeCommit)?.options.beforeCommit,
      work: (connection) => group.map((waiting) => attempt(connection, waiting)),
    });
  }
}

/** As many as fit, at least one. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  let writes = 0;
  const count = waiting.findIndex((next, at) => {
    writes += next.writes.length;
    return at > 0 && writes > WRITES_A_GROUP;
  });
  return waiting.splice(0, count < 0 ? waiting.length : count);
}

function settle({ resolve, reject }: Waiting, settled: Settled | undefined): void {
  if (settled !== undefined && 'report' in settled) resolve(settled.report);
  else reject(settled?.error);
}

/** Nothing of the page where it fails. SQLite itself ends the whole transaction on some errors: those go on. */
function attempt(connection: SqliteConnection, { writes, options }: Waiting): Settled {
  connection.exec('SAVEPOINT page');
  try {
    const report = writePage(connection, writes, options.modelVersion);
    connection.exec('RELEASE page');
    return { report };
  } catch (error) {
    if (!connection.isInTransaction) throw error;
    connection.exec('ROLLBACK TO page; RELEASE page');
    return { error };
  }
}

function rejectAll(group: readonly Waiting[], error: unknown): void {
  for (const { reject } of group) reject(error);
}

/** Nobody fares better alone. */
function isForAll(error: unknown): boolean {
  return error instanceof ReferentError && (error.code === 'busy' || error.code === 'not-ready');
}
