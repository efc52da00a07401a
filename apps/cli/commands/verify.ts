import { verifyKb } from '../../../libs/jobs/verify-kb.js';
import { openCatalog } from '../../../libs/kb/open-catalog.js';
import type { StoreFinding } from '../../../libs/kb/kb-store.js';
import { openModelFolder } from '../../../libs/model/model-folder.js';
import { EXIT } from '../exit.js';
import { writeNote, writeResult } from '../output.js';
import { grouped } from '../progress.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface VerifyOptions extends GlobalOptions {
  readonly kb: string;
  readonly json?: boolean;
}

/** `referent verify` */
export async function verify(options: VerifyOptions): Promise<void> {
  const settings = settingsWithWarnings(options);
  const catalog = openCatalog(settings);
  try {
    const store = await catalog.open(options.kb);
    const { manifest } = await openModelFolder(settings.modelDir);
    const derivedFolder = catalog.derivedFolder(options.kb);
    const findings: StoreFinding[] = [];
    for await (const finding of verifyKb({
      store,
      derivedFolder,
      defaultModel: manifest.version,
    })) {
      findings.push(finding);
      if (options.json !== true) await tell(finding);
    }
    const problems = findings.reduce((sum, { count }) => sum + count, 0);
    if (options.json === true) {
      await writeResult(`${JSON.stringify({ kb: options.kb, clean: problems === 0, findings })}\n`);
    }
    if (problems > 0) process.exitCode = EXIT.failure;
    writeNote(
      problems === 0 ? `${options.kb} is clean.` : `${options.kb} has problems: ${problems}.`,
    );
  } finally {
    await catalog.close();
  }
}

async function tell({ check, checked, problems, count, remedy, notes = [] }: StoreFinding) {
  const result = count === 0 ? 'ok' : `${grouped(count)} wrong`;
  const lines = [`${result.padEnd(10)}${grouped(checked).padStart(12)}  ${check}`];
  for (const problem of problems) lines.push(`  - ${problem}`);
  if (count > problems.length) lines.push(`  - and ${grouped(count - problems.length)} more`);
  if (count > 0) lines.push(`  Remedy: ${remedy}`);
  for (const note of notes) lines.push(`  Note: ${note}`);
  await writeResult(`${lines.join('\n')}\n`);
}
