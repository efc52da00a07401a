import type { Settings } from '../../libs/config/settings.js';
import { ReferentError } from '../../libs/contract/errors.js';
import type { KbCatalog, KbStore } from '../../libs/kb/kb-store.js';
import { openCatalog } from '../../libs/kb/open-catalog.js';
import type { Linker } from '../../libs/linking/linker.js';
import { OpenPair } from '../../libs/linking/open-pair.js';
import { ModelPool, type ModelLease } from '../../libs/model/model-pool.js';
import { writeNote } from './output.js';

/** What linking commands work with. */
export interface Session {
  readonly store: KbStore;
  readonly linker: Linker;
}

/** Opens the KB under its active model, runs the work, and closes both whatever happens. */
export async function withSession<T>(
  settings: Settings,
  kb: string | undefined,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const catalog = openCatalog(settings);
  try {
    // First the name, then the model: a wrong name is told at once.
    const store = await catalog.open(kb ?? settings.defaultKb ?? (await onlyKb(catalog)));
    return await withPool(settings, async (pool) => {
      const lease = await leaseFor(store, pool);
      const derivedFolder = catalog.derivedFolder(store.name);
      const onWarning = (message: string) => {
        writeNote(`Warning: ${message}`);
      };
      const pair = await OpenPair.open({ store, lease, derivedFolder, onWarning });
      try {
        return await work({ store, linker: pair.linker });
      } finally {
        await pair.close();
      }
    });
  } finally {
    await catalog.close();
  }
}

/** The models of the settings, closed when the work ends. */
export async function withPool<T>(
  settings: Settings,
  work: (pool: ModelPool) => Promise<T>,
): Promise<T> {
  const pool = new ModelPool(settings);
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

/** The model that the KB is searched with: that of the settings where it was never re-embedded. */
export async function leaseFor(store: KbStore, pool: ModelPool): Promise<ModelLease> {
  const { activeModel } = await store.info();
  return pool.acquire(activeModel ?? (await pool.byDefault()).version);
}

async function onlyKb(catalog: KbCatalog): Promise<string> {
  // A first import that has not ended has made its KB, but there is nothing to link to yet.
  const names = (await catalog.list())
    .filter(({ sequence }) => sequence > 0)
    .map(({ name }) => name);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  const message =
    only === undefined
      ? 'There is no knowledge base yet. Make one: referent import FILE --kb NAME.'
      : `Which knowledge base? There are ${names.join(', ')}: name one with --kb or REFERENT_DEFAULT_KB.`;
  throw new ReferentError('invalid-input', message);
}
