import { ReferentError } from '../contract/errors.js';
import { reembeddingProgress } from '../contract/models-api.js';
import type { Reembedding } from './kb-store.js';

/** Of a row (target, model, problem, started_at, progress). */
export function reembeddingOf(row: readonly unknown[]): Reembedding {
  const [target, model, problem, startedAt, progress] = row;
  return {
    target: String(target),
    model: String(model),
    problem: textOrNull(problem),
    startedAt: String(startedAt),
    progress:
      typeof progress === 'string' ? reembeddingProgress.parse(JSON.parse(progress)) : null,
  };
}

export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** @throws ReferentError `busy` where the KB is being embedded under another model than `target`. */
export function assertNoOther(reembedding: Reembedding | null, target: string): void {
  if (reembedding === null || reembedding.target === target || reembedding.problem !== null) return;
  throw new ReferentError(
    'busy',
    `the knowledge base is being embedded under ${reembedding.model} already; wait for it, or cancel it first`,
  );
}
