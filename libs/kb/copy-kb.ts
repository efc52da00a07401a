import { hash } from 'node:crypto';
import { ReferentError } from '../contract/errors.js';
import {
  DUMP_TABLES,
  type DumpedRows,
  type DumpedState,
  type DumpTable,
  type KbDump,
  type KbLoad,
  type KbReader,
} from './kb-dump.js';

export interface TableSum {
  readonly rows: number;
  /** Hex; the same for the same rows in whatever order. */
  readonly checksum: string;
}

export interface CopyReport {
  readonly entities: number;
  readonly sequence: number;
  readonly tables: Readonly<Record<DumpTable, TableSum>>;
}

export interface CopyProgress {
  readonly phase: 'copy' | 'check';
  readonly table: DumpTable;
  /** Rows of all tables until now. */
  readonly done: number;
}

export interface CopyOptions {
  readonly onProgress?: (progress: CopyProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Copies a KB row by row, reads back what the target has stored, and makes it visible only where all of it is the
 * same. Neither end is closed.
 * @throws ReferentError `store-invalid` where a table differs; `import-failed` where the signal fires.
 */
export async function copyKb(
  source: KbDump,
  target: KbLoad,
  options: CopyOptions = {},
): Promise<CopyReport> {
  const state = await source.state();
  const sums = await summed(source, { ...options, phase: 'copy' }, (table, rows) =>
    target.write(table, rows),
  );
  await target.complete(state);
  const copy = target.readBack();
  const copied = await summed(copy, { ...options, phase: 'check' }, () => Promise.resolve());
  assertSame({ state, sums }, { state: await copy.state(), sums: copied });
  assertGoingOn(options.signal);
  await target.publish();
  return { entities: state.entities, sequence: state.sequence, tables: sums };
}

type Sums = Record<DumpTable, TableSum>;
interface Pass extends CopyOptions {
  readonly phase: CopyProgress['phase'];
}

/** Hands on every page, and adds up its rows. */
async function summed(
  reader: KbReader,
  { phase, onProgress, signal }: Pass,
  take: <T extends DumpTable>(table: T, rows: readonly DumpedRows[T][]) => Promise<void>,
): Promise<Sums> {
  const sums: Partial<Sums> = {};
  let done = 0;
  for (const table of DUMP_TABLES) {
    const sum = new RowSum();
    for await (const rows of reader.pages(table)) {
      assertGoingOn(signal);
      await take(table, rows);
      rows.forEach((row) => {
        sum.add(row);
      });
      done += rows.length;
      onProgress?.({ phase, table, done });
    }
    sums[table] = sum.total();
  }
  return sums as Sums;
}

const MODULUS = 1n << 128n;

/** The sum of the rows' hashes: what is missing, changed or there twice shows, the order does not. */
class RowSum {
  private rows = 0;
  private sum = 0n;

  add(row: readonly unknown[]): void {
    const digest = hash('sha256', JSON.stringify(row, bytesAsHex), 'hex');
    this.sum = (this.sum + BigInt(`0x${digest.slice(0, 32)}`)) % MODULUS;
    this.rows++;
  }

  total(): TableSum {
    return { rows: this.rows, checksum: this.sum.toString(16).padStart(32, '0') };
  }
}

/** `Buffer` says itself as JSON before the replacer sees it: the field is looked up where it is. */
function bytesAsHex(this: unknown, key: string, value: unknown): unknown {
  const held = (this as Record<string, unknown>)[key];
  return held instanceof Uint8Array ? Buffer.from(held).toString('hex') : value;
}

interface Whole {
  readonly state: DumpedState;
  readonly sums: Sums;
}

function assertSame(source: Whole, copy: Whole): void {
  const wrong = DUMP_TABLES.filter(
    (table) => JSON.stringify(source.sums[table]) !== JSON.stringify(copy.sums[table]),
  ).map((table) => `${table} (${source.sums[table].rows} rows, ${copy.sums[table].rows} arrived)`);
  if (JSON.stringify(source.state) !== JSON.stringify(copy.state)) wrong.push('state');
  if (wrong.length === 0) return;
  throw new ReferentError(
    'store-invalid',
    `the copy differs from its source in ${wrong.join(', ')}, and was removed; check the source with referent verify`,
  );
}

function assertGoingOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new ReferentError('import-failed', 'the copy was stopped; nothing of it is visible', {
    cause: signal.reason,
  });
}
