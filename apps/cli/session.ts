import type { Settings } from '../../libs/config/settings.js';
import { ReferentError } from '../../libs/contract/errors.js';
import type { KbCatalog, KbStore } from '../../libs/kb/kb-store.js';
import { SqliteCatalog } from '../../libs/kb/sqlite-catalog.js';
import { KnowledgeBase } from '../../libs/linking/knowledge-base.js';
import { Linker } from '../../libs/linking/linker.js';
import { LinkingModel } from '../../libs/model/linking-model.js';
import { writeNote } from './output.js';

/** What linking commands work with. */
export interface Session {
  readonly store: KbStore;
  readonly linker: Linker;
}

/** Opens model and KB, runs the work, and closes them whatever happens. */
export async function withSession<T>(
  settings: Settings,
  kb: string | undefined,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const catalog = new SqliteCatalog({ dataDir: settings.dataDir });
  try {
    // First the name, then the model: a wrong name is told at once.
    const store = await catalog.open(kb ?? settings.defaultKb ?? (await onlyKb(catalog)));
    return await withModel(settings, async (model) => {
      const derivedFolder = catalog.derivedFolder(store.name);
      const opened = await KnowledgeBase.open({
        store,
        model: model.identity,
        derivedFolder,
        onWarning: (message) => {
          writeNote(`Warning: ${message}`);
        },
      });
      try {
        return await work({ store, linker: new Linker(model, opened) });
      } finally {
        await opened.close();
      }
    });
  } finally {
    await catalog.close();
  }
}

export async function withModel<T>(
  { modelDir, threads }: Settings,
  work: (model: LinkingModel) => Promise<T>,
): Promise<T> {
  const model = await LinkingModel.load(modelDir, { threads });
  try {
    return await work(model);
  } finally {
    await model.close();
  }
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
