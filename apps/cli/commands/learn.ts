import { ReferentError } from '../../../libs/contract/errors.js';
import type { ImportProgress } from '../../../libs/jobs/import-progress.js';
import { fileSource, streamSource, type ImportSource } from '../../../libs/jobs/import-source.js';
import { learnDocuments, type LearningReport } from '../../../libs/jobs/learn-documents.js';
import { forgetLearned } from '../../../libs/jobs/learn-page.js';
import type { KbCatalog } from '../../../libs/kb/kb-store.js';
import { openCatalog } from '../../../libs/kb/open-catalog.js';
import { usageError } from '../exit.js';
import { interruptible } from '../interrupt.js';
import { forgetSummary, learnProblemLines, learnSummary } from '../learn-summary.js';
import { writeNote, writeResult } from '../output.js';
import { ProgressBar } from '../progress.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface LearnOptions extends GlobalOptions {
  readonly kb: string;
  readonly partial?: boolean;
  readonly strict?: boolean;
  readonly forget?: boolean;
  readonly json?: boolean;
}

const ADVICE = 'What is learned stays. Run the same command to go on; nothing is counted twice.';

/** `referent learn` */
export async function learn(files: readonly string[], options: LearnOptions): Promise<void> {
  const settings = settingsWithWarnings(options);
  const catalog = openCatalog(settings);
  try {
    await (options.forget === true
      ? forget(files, catalog, options)
      : run(files, catalog, options));
  } finally {
    await catalog.close();
  }
}

async function run(
  files: readonly string[],
  catalog: KbCatalog,
  options: LearnOptions,
): Promise<void> {
  if (files.length === 0) throw usageError('Name the files to learn, or - for stdin; see --help.');
  const sources = await Promise.all(files.map(sourceOf));
  const report = await interruptible(ADVICE, (signal) => {
    // A pipe that says nothing would keep us waiting for its next byte.
    if (files.includes('-')) signal.addEventListener('abort', () => process.stdin.destroy());
    return learnSources(catalog, { ...options, sources, signal });
  });
  for (const line of learnProblemLines(report)) writeNote(line);
  if (options.json === true) await writeResult(`${JSON.stringify(report)}\n`);
  if (report.learned + report.known === 0) throw nothingRead(files, report.badLines);
  if (options.json !== true) await writeResult(learnSummary(report, options.kb));
}

async function forget(
  files: readonly string[],
  catalog: KbCatalog,
  options: LearnOptions,
): Promise<void> {
  if (files.length > 0) throw usageError('--forget forgets all that was learned: name no files.');
  const store = await catalog.open(options.kb);
  const derivedFolder = catalog.derivedFolder(options.kb);
  const forgotten = await forgetLearned({ store, derivedFolder });
  const text =
    options.json === true ? JSON.stringify({ forgotten }) : forgetSummary(forgotten, options.kb);
  await writeResult(`${text.trimEnd()}\n`);
}

const sourceOf = async (file: string): Promise<ImportSource> =>
  file === '-' ? streamSource(process.stdin) : fileSource(file);

interface Work extends LearnOptions {
  readonly sources: readonly ImportSource[];
  readonly signal: AbortSignal;
}

async function learnSources(
  catalog: KbCatalog,
  { kb, sources, partial = false, strict = false, signal }: Work,
): Promise<LearningReport> {
  const store = await catalog.open(kb);
  if ((await store.info()).entities === 0) {
    throw usageError(
      `There is no entity in ${kb} yet; import some: referent import FILE --kb ${kb}`,
    );
  }
  const derivedFolder = catalog.derivedFolder(kb);
  const bar = new ProgressBar({ label: 'Learning', unit: 'texts' });
  const onProgress = ({ done, total, rate }: ImportProgress): void => {
    bar.update({ done, total, rate });
  };
  try {
    return await learnDocuments({
      ...{ store, derivedFolder, sources, partial, strict, signal, onProgress },
    });
  } finally {
    bar.clear();
  }
}

function nothingRead(files: readonly string[], badLines: number): ReferentError {
  const why = badLines > 0 ? `every line was left out (${badLines})` : 'there is no text in it';
  return usageError(`Nothing was learned from ${files.join(', ')}: ${why}.`);
}
