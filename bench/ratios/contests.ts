import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entityRecord } from '../../libs/contract/entity.js';
import { buildGraph } from '../../libs/index/graph-build.js';
import { clusteredVectors } from '../../libs/index/testing/vectors.js';
import { VECTORS_FILE } from '../../libs/index/vector-file.js';
import { linesOfFile } from '../../libs/evaluation/lines.js';
import { SqliteCatalog } from '../../libs/kb/sqlite-catalog.js';
import { entityText } from '../../libs/linking/records.js';
import { entityBatches } from '../../libs/model/batches.js';
import type { EntityText } from '../../libs/model/entity-text.js';
import { EntityLayout } from '../../libs/model/layout/entity-layout.js';
import { openModelFolder } from '../../libs/model/model-folder.js';
import { WordPiece } from '../../libs/text/wordpiece.js';
import { buildBareGraph } from '../index/bare-graph.js';
import { bareTrunkPass, documentWindows, type DemoLinker } from '../linking/demo-linker.js';
import { DOCUMENT } from '../linking/document.js';
import { stageRecords } from '../store/import-records.js';
import { generatedSource } from '../store/sources.js';
import { feedsOf, openSession, sequential } from '../support/bare-session.js';
import { DEMO_FILE, MODEL_FOLDER } from '../support/demo-kb.js';
import { ratioOf } from './alternate.js';

const ENTITIES = 64;
const VECTORS = 1_500;
const IMPORTED = { many: 6_000, few: 1_500 } as const;

export async function encodingRatio({ model }: DemoLinker, rounds: number): Promise<number> {
  const texts: EntityText[] = [];
  for await (const { text } of linesOfFile(DEMO_FILE)) {
    texts.push(entityText(entityRecord.parse(JSON.parse(text))));
    if (texts.length === ENTITIES) break;
  }
  const { manifest, vocabulary, paths } = await openModelFolder(MODEL_FOLDER);
  const layout = new EntityLayout(new WordPiece(vocabulary), manifest.limits, manifest.ids);
  const feeds = [...entityBatches(texts, layout, manifest)].map(({ batch }) => feedsOf(batch));
  const beside = sequential(await openSession(paths.trunk), feeds);
  return ratioOf({ ours: () => model.encodeEntities(texts), beside }, rounds);
}

export async function linkingRatio(demo: DemoLinker, rounds: number): Promise<number> {
  const beside = await bareTrunkPass(await documentWindows(demo));
  const ours = () => demo.linker.annotate({ text: DOCUMENT }, { rerank: 'none' });
  return ratioOf({ ours, beside }, rounds);
}

/** A count, the same in every round. */
export async function pairsAMention({ linker }: DemoLinker): Promise<number> {
  const { pairsScored, ranked } = await linker.annotate({ text: DOCUMENT });
  return pairsScored / ranked.length;
}

export async function graphRatio(folder: string, rounds: number): Promise<number> {
  const dimensions = 384;
  const vectors = clusteredVectors({ count: VECTORS, dimensions, seed: 1 });
  const vectorsPath = join(folder, VECTORS_FILE);
  await writeFile(vectorsPath, new Uint8Array(vectors.buffer));
  const task = { vectorsPath, graphPath: join(folder, 'graph'), rows: VECTORS, dimensions };
  return ratioOf(
    {
      ours: () => buildGraph(task, () => undefined),
      beside: () => buildBareGraph(vectors, dimensions),
    },
    rounds,
  );
}

export async function sizeRatio(folder: string, rounds: number): Promise<number> {
  const imported = (count: number) => async () => {
    const dataDir = await mkdtemp(join(folder, 'import-'));
    const catalog = new SqliteCatalog({ dataDir });
    const store = await catalog.openOrCreate('generated');
    await stageRecords(store, generatedSource(count));
    await store.imports.commit();
    await catalog.close();
    await rm(dataDir, { recursive: true });
  };
  const { many, few } = IMPORTED;
  const seconds = await ratioOf({ ours: imported(many), beside: imported(few) }, rounds);
  return seconds / (many / few);
}
