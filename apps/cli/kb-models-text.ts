import type { KbModels } from '../../libs/contract/models-api.js';
import { duration, grouped } from './progress.js';

type Reference = KbModels['active'];

/** Under which models a KB is searched, was, and is to be, a line each. */
export function kbModelsText({ kb, active, previous, reembedding }: KbModels): string {
  const lines = [`${kb} is searched with ${nameOf(active)}.`];
  if (previous !== null) lines.push(`Before it was ${nameOf(previous)}: --rollback returns to it.`);
  if (reembedding !== null) lines.push(...reembeddingLines(reembedding));
  return `${lines.join('\n')}\n`;
}

function nameOf({ names, version }: Reference): string {
  return names.length === 0
    ? `a model that is not here (${version})`
    : `${names.join(', ')} (${version})`;
}

function reembeddingLines({
  model,
  problem,
  progress,
}: NonNullable<KbModels['reembedding']>): string[] {
  if (problem !== null) {
    return [
      `Changing to ${model} stopped: ${problem}`,
      `Ask again with --model ${model}, or --cancel.`,
    ];
  }
  if (progress === null) return [`Changing to ${model} was asked for.`];
  const { phase, done, total, perSecond, secondsLeft } = progress;
  const rate = perSecond === null ? '' : `, ${perSecond}/s`;
  const left = secondsLeft === null ? '' : `, ${duration(secondsLeft)} left`;
  return [`Changing to ${model}: ${phase} ${grouped(done)} of ${grouped(total)}${rate}${left}.`];
}
