import type { Settings } from '../../../libs/config/settings.js';
import { importEntities } from '../../../libs/jobs/import-entities.js';
import type { ImportPhase, ImportProgress } from '../../../libs/jobs/import-progress.js';
import type { ImportReport } from '../../../libs/jobs/import-report.js';
import {
  fileSource,
  streamSource,
  type ImportFormat,
  type ImportSource,
} from '../../../libs/jobs/import-source.js';
import { ReferentError } from '../../../libs/contract/errors.js';
import { openCatalog } from '../../../libs/kb/open-catalog.js';
import { importSummary, problemLines } from '../import-summary.js';
import { interruptible } from '../interrupt.js';
import { writeNote, writeResult } from '../output.js';
import { ProgressBar } from '../progress.js';
import { leaseFor, withPool } from '../session.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface ImportOptions extends GlobalOptions {
  readonly kb: string;
  readonly strict?: boolean;
  readonly format?: ImportFormat;
  readonly json?: boolean;
}

const ADVICE =
  'The knowledge base is as it was; what was encoded is kept. Run the same command to go on.';

/** `referent import` */
export async function importFiles(files: readonly string[], options: ImportOptions): Promise<void> {
  const settings = settingsWithWarnings(options);
  const sources = await Promise.all(files.map((file) => sourceOf(file, options.format)));
  const report = await interruptible(ADVICE, (signal) => {
    // A pipe that says nothing would keep us waiting for its next byte.
    if (files.includes('-')) signal.addEventListener('abort', () => process.stdin.destroy());
    return importSources(settings, { ...options, sources, signal });
  });
  for (const line of problemLines(report)) writeNote(line);
  if (options.json === true) await writeResult(`${JSON.stringify(report)}\n`);
  if (report.records === 0) throw nothingRead(files, report.badLines);
  if (options.json !== true) await writeResult(importSummary(report, options.kb));
}

function nothingRead(files: readonly string[], badLines: number): ReferentError {
  const why = badLines > 0 ? `every line was left out (${badLines})` : 'there is no record in it';
  return new ReferentError(
    'invalid-input',
    `No entity was read from ${files.join(', ')}: ${why}. Nothing was imported; referent import --help shows what a record looks like.`,
  );
}

async function sourceOf(file: string, format: ImportFormat | undefined): Promise<ImportSource> {
  if (file === '-') return streamSource(process.stdin, format);
  const source = await fileSource(file);
  return format === undefined ? source : { ...source, format };
}

interface Work extends ImportOptions {
  readonly sources: readonly ImportSource[];
  readonly signal: AbortSignal;
}

async function importSources(
  settings: Settings,
  { kb, sources, strict = false, signal }: Work,
): Promise<ImportReport> {
  const catalog = openCatalog(settings);
  const bar = new ProgressBar({ label: PHASES.read, unit: 'entities' });
  const onProgress = (progress: ImportProgress): void => {
    bar.update(stateOf(progress));
  };
  try {
    return await withPool(settings, async (pool) => {
      const store = await catalog.openOrCreate(kb);
      const derivedFolder = catalog.derivedFolder(kb);
      try {
        const { model } = await leaseFor(store, pool);
        return await importEntities({
          ...{ store, model, derivedFolder, sources, strict, signal, onProgress },
        });
      } finally {
        bar.clear();
        // The outcome of the import counts, not that of tidying up after one that brought nothing in.
        await catalog.dropIfUnused(kb).catch(() => undefined);
      }
    });
  } finally {
    await catalog.close();
  }
}

const PHASES: Readonly<Record<ImportPhase, string>> = {
  read: 'Reading',
  encode: 'Encoding',
  index: 'Indexing',
  commit: 'Publishing',
};

const stateOf = ({ phase, done, total, rate }: ImportProgress) => ({
  done,
  total,
  rate,
  phase: PHASES[phase],
});
