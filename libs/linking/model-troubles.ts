import { ReferentError } from '../contract/errors.js';
import type { KbStore } from '../kb/kb-store.js';

/** A model that is not there may be brought at any time. */
const RETRY_MS = 5_000;
const COUNTED = 1_000;

export interface FailedChange {
  readonly store: KbStore;
  readonly error: unknown;
  /** Version of the model that the KB is searched with. */
  readonly wanted: string;
  /** Version of the one that this process goes on with. */
  readonly served: string;
}

interface Trouble {
  readonly wanted: string;
  readonly message: string;
  readonly retryAt: number;
}

/** KBs whose active model this process cannot follow, by name. */
export class ModelTroubles {
  private readonly byKb = new Map<string, Trouble>();

  /** Whether it is time to try the change to this model, or to try it again. */
  mayTry(kb: string, wanted: string): boolean {
    const trouble = this.byKb.get(kb);
    return trouble?.wanted !== wanted || performance.now() >= trouble.retryAt;
  }

  /** Notes a change that failed; gives what to tell of it, null where that was told before. */
  async note(change: FailedChange): Promise<string | null> {
    const message = await messageFor(change);
    const { name } = change.store;
    const isNew = this.byKb.get(name)?.message !== message;
    this.byKb.set(name, {
      wanted: change.wanted,
      message,
      retryAt: performance.now() + RETRY_MS,
    });
    return isNew ? message : null;
  }

  forget(kb: string): void {
    this.byKb.delete(kb);
  }

  messages(): string[] {
    return [...this.byKb.values()].map(({ message }) => message);
  }
}

async function messageFor({ store, error, wanted, served }: FailedChange): Promise<string> {
  const reason = error instanceof ReferentError ? error.message : String(error);
  const page = { afterKey: 0, limit: COUNTED };
  const { length } = await store.vectors.entitiesWithout(served, page);
  const count = length === COUNTED ? `at least ${COUNTED}` : String(length);
  const written =
    length === 0
      ? 'All its entities have vectors of that one so far.'
      : `${count} entities have been written since that have no vector of that one: they cannot be linked to here.`;
  return (
    `The knowledge base '${store.name}' is to be searched with model ${wanted}, and this process goes on with ` +
    `${served}: ${reason} ${written}`
  );
}
