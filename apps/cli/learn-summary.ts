import type { LearnedTotals } from '../../libs/kb/kb-store.js';
import type { LearningReport } from '../../libs/jobs/learn-documents.js';
import { duration, grouped } from './progress.js';

const PROBLEMS_SHOWN = 20;

/** The first problems with file, line and reason, then how many more there are. */
export function learnProblemLines({ problems, badLines, leftOut }: LearningReport): string[] {
  const lines = problems
    .slice(0, PROBLEMS_SHOWN)
    .map(({ source, line, reason }) => `${source}, line ${line}, left out: ${reason}`);
  const more = badLines + leftOut - lines.length;
  return more > 0 ? [...lines, `… and ${grouped(more)} more.`] : lines;
}

/** What was learned now, and what the KB has learned in all. */
export function learnSummary(report: LearningReport, kb: string): string {
  const { learned, known, mentions, leftOut, badLines, totals, seconds } = report;
  const counts = [
    `${grouped(learned)} texts learned`,
    ...(known > 0 ? [`${grouped(known)} already learned`] : []),
    `${grouped(mentions)} mentions counted`,
    ...(leftOut > 0 ? [`${grouped(leftOut)} mentions left out`] : []),
    ...(badLines > 0 ? [`${grouped(badLines)} lines left out`] : []),
  ];
  return `KB ${kb}: ${counts.join(', ')} (${duration(seconds)}); in all ${inAll(totals)}\n`;
}

export function forgetSummary(forgotten: LearnedTotals, kb: string): string {
  return `KB ${kb}: forgot ${inAll(forgotten)}\n`;
}

const inAll = ({ documents, mentions, surfaces }: LearnedTotals): string =>
  `${grouped(mentions)} mentions in ${grouped(documents)} texts, ${grouped(surfaces)} surfaces`;
