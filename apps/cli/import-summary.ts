import type { ImportProblem, ImportReport } from '../../libs/jobs/import-report.js';
import { duration, grouped } from './progress.js';

const PROBLEMS_SHOWN = 20;

const KINDS: Readonly<Record<ImportProblem['kind'], string>> = {
  'bad-line': 'left out',
  'duplicate-id': 'replaced',
  'unknown-field': 'note',
};

/** The first problems with file, line and reason, then how many more there are. */
export function problemLines({ problems, badLines, duplicates }: ImportReport): string[] {
  const lines = problems
    .slice(0, PROBLEMS_SHOWN)
    .map(({ kind, source, line, reason }) => `${source}, line ${line}, ${KINDS[kind]}: ${reason}`);
  const notes = problems.filter(({ kind }) => kind === 'unknown-field').length;
  const more = badLines + duplicates + notes - lines.length;
  return more > 0 ? [...lines, `… and ${grouped(more)} more.`] : lines;
}

/** One or two lines that say what the KB has now. */
export function importSummary(report: ImportReport, kb: string): string {
  const { added, changed, unchanged, encoded, badLines, duplicates, seconds } = report;
  const counts = [
    `${grouped(added)} added`,
    `${grouped(changed)} changed`,
    `${grouped(unchanged)} unchanged`,
    ...(badLines > 0 ? [`${grouped(badLines)} lines left out`] : []),
    ...(duplicates > 0 ? [`${grouped(duplicates)} replaced by a later line`] : []),
  ];
  const took = duration(seconds.read + seconds.index + seconds.commit);
  return `KB ${kb}: ${counts.join(', ')} (${grouped(encoded)} encoded, ${took})\n`;
}
