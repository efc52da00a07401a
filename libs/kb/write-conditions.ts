import { ReferentError } from '../contract/errors.js';
import type { Expectation } from './kb-store.js';

/** `tag` of the record that is there; null where there is none. */
export function isAsExpected(tag: string | null, expected: Expectation): boolean {
  switch (expected.state) {
    case 'any':
      return true;
    case 'present':
      return tag !== null;
    case 'absent':
      return tag === null;
    case 'tagged':
      return tag !== null && expected.tags.includes(tag);
  }
}

/** @throws ReferentError `model-mismatch` where the KB is searched with another model than the write's. */
export function assertActive(active: unknown, modelVersion: string): void {
  if (typeof active !== 'string' || active === modelVersion) return;
  throw new ReferentError(
    'model-mismatch',
    `the knowledge base is searched with model ${active}, the write has vectors of ${modelVersion}; encode again with ${active} and repeat`,
  );
}

export function notEmbedded(id: string, modelVersion: string): ReferentError {
  return new ReferentError(
    'model-mismatch',
    `the content of entity ${JSON.stringify(id)} has no vector of model ${modelVersion}; encode it and repeat`,
  );
}
