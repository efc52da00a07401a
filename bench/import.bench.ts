import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { entityRecord } from '../libs/contract/entity.js';
import { importEntities } from '../libs/jobs/import-entities.js';
import { streamSource } from '../libs/jobs/import-source.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { entityText } from '../libs/linking/records.js';
import { entityBatches } from '../libs/model/batches.js';
import { EntityLayout } from '../libs/model/layout/entity-layout.js';
import { LinkingModel } from '../libs/model/linking-model.js';
import { openModelFolder } from '../libs/model/model-folder.js';
import { WordPiece } from '../libs/text/wordpiece.js';
import { feedsOf, openSession, sequential } from './support/bare-session.js';
import { DEMO_FILE, MODEL_FOLDER } from './support/demo-kb.js';
import { median, millisecondsOf, printFigure, rounded } from './support/figures.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * Entities a second of a whole import into a new KB (read, check, store, encode, index, commit) beside a bare ONNX
 * Runtime session that only encodes them, in the same batches. Runs alternate; the ratio is the median of theirs.
 *
 *   node dist/bench/import.bench.js [--entities 800] [--rounds 3]
 */
const { values: options } = parseArgs({
  options: {
    // Those of the demo KB, from its beginning.
    entities: { type: 'string', default: '800' },
    rounds: { type: 'string', default: '3' },
  },
});

async function bareEncoding(lines: readonly string[]): Promise<() => Promise<void>> {
  const { manifest, vocabulary, paths } = await openModelFolder(MODEL_FOLDER);
  const layout = new EntityLayout(new WordPiece(vocabulary), manifest.limits, manifest.ids);
  const texts = lines.map((line) => entityText(entityRecord.parse(JSON.parse(line))));
  const feeds = [...entityBatches(texts, layout, manifest)].map(({ batch }) => feedsOf(batch));
  return sequential(await openSession(paths.trunk), feeds);
}

async function main(dataDir: string): Promise<void> {
  const catalog = new SqliteCatalog({ dataDir });
  const model = await LinkingModel.load(MODEL_FOLDER);
  const lines = (await readFile(DEMO_FILE, 'utf8')).split('\n', Number(options.entities));
  const bare = await bareEncoding(lines);
  const importInto = async (kb: string) => {
    const source = Readable.from([Buffer.from(lines.join('\n'))]);
    await importEntities({
      store: await catalog.openOrCreate(kb),
      model,
      derivedFolder: catalog.derivedFolder(kb),
      sources: [streamSource(source)],
      strict: true,
    });
  };
  await bare();
  await importInto('warm-up');
  const rounds: { ours: number; bare: number }[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    const ours = await millisecondsOf(() => importInto(`round-${round}`));
    rounds.push({ ours, bare: await millisecondsOf(bare) });
  }
  const perSecond = (run: 'ours' | 'bare') =>
    rounded((lines.length * 1_000) / median(rounds.map((round) => round[run])), 1);
  printFigure('import', 'entities imported', {
    perSecond: perSecond('ours'),
    barePerSecond: perSecond('bare'),
    ratio: rounded(median(rounds.map((round) => round.bare / round.ours))),
    goal: 0.9,
    items: lines.length,
    rounds: rounds.length,
    cores: availableParallelism(),
  });
  await catalog.close();
  await model.close();
}

await withTemporaryFolder(main);
