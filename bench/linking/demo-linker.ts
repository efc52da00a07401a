import { SqliteCatalog } from '../../libs/kb/sqlite-catalog.js';
import { KnowledgeBase } from '../../libs/linking/knowledge-base.js';
import { Linker } from '../../libs/linking/linker.js';
import { mentionBatches } from '../../libs/model/batches.js';
import type { TokenBatch } from '../../libs/model/engine.js';
import { LinkingModel } from '../../libs/model/linking-model.js';
import { openModelFolder } from '../../libs/model/model-folder.js';
import { feedsOf, openSession, sequential } from '../support/bare-session.js';
import { importDemo, MODEL_FOLDER } from '../support/demo-kb.js';
import { DOCUMENT } from './document.js';

export interface DemoLinker {
  readonly model: LinkingModel;
  readonly kb: KnowledgeBase;
  readonly linker: Linker;
  close(): Promise<void>;
}

/** A linker over the demo KB, imported into the folder. */
export async function openDemoLinker(dataDir: string): Promise<DemoLinker> {
  const catalog = new SqliteCatalog({ dataDir });
  const model = await LinkingModel.load(MODEL_FOLDER);
  await importDemo(catalog, model);
  const kb = await KnowledgeBase.open({
    store: await catalog.open('demo'),
    model: model.identity,
    derivedFolder: catalog.derivedFolder('demo'),
  });
  return {
    model,
    kb,
    linker: new Linker(model, kb),
    close: async () => {
      await kb.close();
      await catalog.close();
      await model.close();
    },
  };
}

/** The windows of the document that encode passes through the trunk. */
export async function documentWindows({ model, linker }: DemoLinker): Promise<TokenBatch[]> {
  const { manifest } = await openModelFolder(MODEL_FOLDER);
  const { mentions } = await linker.mentions({ text: DOCUMENT });
  const pieces = model.tokenize(DOCUMENT);
  return [...mentionBatches(pieces, mentions, manifest)].map(({ batch }) => batch);
}

/** The same windows in a bare session. */
export async function bareTrunkPass(windows: readonly TokenBatch[]): Promise<() => Promise<void>> {
  const { paths } = await openModelFolder(MODEL_FOLDER);
  return sequential(await openSession(paths.trunk), windows.map(feedsOf));
}
