import { copyKb, type CopyProgress, type CopyReport } from '../../../libs/kb/copy-kb.js';
import { DUMP_TABLES } from '../../../libs/kb/kb-dump.js';
import { ReferentError } from '../../../libs/contract/errors.js';
import { hasKb, openEnd, type StoreEnd, type StoreKind } from '../../../libs/kb/store-end.js';
import { usageError } from '../exit.js';
import { interruptible } from '../interrupt.js';
import { table } from '../layout.js';
import { writeNote, writeResult } from '../output.js';
import { grouped, ProgressBar } from '../progress.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface MigrateOptions extends GlobalOptions {
  readonly from: StoreKind;
  readonly to: StoreKind;
  readonly kb?: readonly string[];
  readonly json?: boolean;
}

const ADVICE =
  'What was copied whole stays; of the one under way nothing is seen. Run it again for the others, with --kb.';

interface Ends {
  readonly source: StoreEnd;
  readonly target: StoreEnd;
}

/** `referent migrate` */
export async function migrate(options: MigrateOptions): Promise<void> {
  if (options.from === options.to) {
    throw usageError(`--from and --to are both ${options.to}: one must be sqlite, one postgres`);
  }
  const settings = settingsWithWarnings(options);
  await interruptible(ADVICE, async (signal) => {
    const source = openEnd(options.from, settings);
    const target = openEnd(options.to, settings);
    try {
      for (const name of await namesToCopy({ source, target }, options.kb)) {
        const report = await copyOne({ source, target }, name, signal);
        await writeResult(options.json === true ? jsonOf(name, report) : summaryOf(name, report));
      }
    } finally {
      await source.catalog.close();
      await target.catalog.close();
    }
  });
}

/** All names are looked at before anything is copied. */
async function namesToCopy(
  { source, target }: Ends,
  asked: readonly string[] | undefined,
): Promise<readonly string[]> {
  const names = asked ?? (await allNames(source));
  if (names.length === 0)
    throw new ReferentError('kb-not-found', 'There is no knowledge base to copy.');
  const taken: string[] = [];
  for (const name of new Set(names)) {
    await source.catalog.open(name);
    if (await hasKb(target.catalog, name)) taken.push(name);
  }
  if (taken.length === 0) return [...new Set(names)];
  throw new ReferentError(
    'kb-exists',
    `The target has ${taken.join(', ')} already; nothing was copied. Drop what is there first, or name the others with --kb.`,
  );
}

async function allNames({ catalog }: StoreEnd): Promise<readonly string[]> {
  const kbs = await catalog.list();
  for (const { name, problem } of kbs) {
    if (problem !== undefined) writeNote(`Left out: ${name}: ${problem}`);
  }
  return kbs.filter(({ problem }) => problem === undefined).map(({ name }) => name);
}

async function copyOne(
  { source, target }: Ends,
  name: string,
  signal: AbortSignal,
): Promise<CopyReport> {
  const dump = await source.dump(name);
  const bar = new ProgressBar({ label: `Copying ${name}`, unit: 'rows' });
  try {
    const load = await target.load(name);
    try {
      const onProgress = ({ phase, done }: CopyProgress): void => {
        bar.update({ done, total: null, phase: `${PHASES[phase]} ${name}` });
      };
      return await copyKb(dump, load, { onProgress, signal });
    } finally {
      await load.close();
    }
  } finally {
    bar.clear();
    await dump.close();
  }
}

const PHASES: Readonly<Record<CopyProgress['phase'], string>> = {
  copy: 'Copying',
  check: 'Checking',
};

const jsonOf = (kb: string, report: CopyReport): string => `${JSON.stringify({ kb, ...report })}\n`;

function summaryOf(name: string, { entities, tables }: CopyReport): string {
  const rows = DUMP_TABLES.map((key) => [key, grouped(tables[key].rows), tables[key].checksum]);
  const title = `${name}: ${grouped(entities)} entities copied and read back the same\n`;
  return `${title}${table([['TABLE', 'ROWS', 'CHECKSUM'], ...rows])}\n`;
}
