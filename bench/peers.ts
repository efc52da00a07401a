import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { contest, speedRatio } from './peers/contest.js';
import { cutWorld, type CutWorld } from './peers/cut-world.js';
import {
  preparePython,
  PYTHON_LINKERS,
  referentLinker,
  startPython,
  type PeerLinker,
  type PythonCommand,
  type PythonLinkerName,
} from './peers/linkers.js';
import { printFigure, rounded } from './support/figures.js';
import { startServer } from './support/referent-server.js';
import { referent } from './worlds/referent.js';

/**
 * Other linkers beside `referent serve`: the same documents with given mentions, the same entities and labelled texts,
 * one document at a time, in turns. Figures are printed as JSON lines; `npm run bench:peers` keeps them.
 *
 *   node dist/bench/peers.js --python PYTHON [--worlds attack,disease] [--linkers top100,top10,spacy,trigrams,bm25]
 *     [--entities 5000] [--mentions 60] [--train-mentions 600] [--train-seconds 60] [--blocks 4] [--threads 2] [--seed 1]
 *
 * Worlds are those of $REFERENT_WORLDS (default ../shared/data). What is made of them is kept in --folder.
 */
const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    folder: { type: 'string', default: 'node_modules/.cache/referent/peers/speed' },
    worlds: { type: 'string', default: 'attack,disease' },
    linkers: { type: 'string', default: Object.keys(PYTHON_LINKERS).join(',') },
    entities: { type: 'string', default: '5000' },
    mentions: { type: 'string', default: '60' },
    'train-mentions': { type: 'string', default: '600' },
    // Of spaCy's linker.
    'train-seconds': { type: 'string', default: '60' },
    blocks: { type: 'string', default: '4' },
    threads: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
  },
});

const BENCH = 'peers';
const source = resolve(process.env['REFERENT_WORLDS'] ?? '../shared/data');
const names = options.linkers.split(',') as PythonLinkerName[];
const sizes = {
  entities: Number(options.entities),
  mentions: Number(options.mentions),
  trainMentions: Number(options['train-mentions']),
  seed: Number(options.seed),
};

/** Both of the first kind read the same files. */
const preparedAs = (name: PythonLinkerName): PythonLinkerName =>
  name === 'top10' ? 'top100' : name;

async function prepared(stampFile: string, work: () => Promise<unknown>): Promise<void> {
  if (existsSync(stampFile)) return;
  await work();
  await writeFile(stampFile, '');
}

async function prepare(world: string, command: PythonCommand): Promise<void> {
  const { folder } = command;
  const options_ = ['--seed', options.seed, '--train-seconds', options['train-seconds']];
  for (const name of new Set(names.map(preparedAs))) {
    await prepared(join(folder, `${name}.prepared`), () => preparePython(name, command, options_));
  }
  await prepared(join(folder, 'referent.prepared'), async () => {
    const data = ['--kb', world, '--data-dir', join(folder, 'referent')];
    await referent('import', join(folder, 'entities.jsonl'), ...data);
    await referent('learn', join(folder, 'train.jsonl'), ...data, '--partial');
  });
}

/** Each world and size has a folder; one that was begun with other options is begun anew. */
async function cut(world: string): Promise<{ folder: string; kb: CutWorld }> {
  const folder = resolve(options.folder, world);
  const wanted = JSON.stringify({ ...sizes, seconds: options['train-seconds'] });
  const stamp = join(folder, 'sizes.json');
  if (!existsSync(stamp) || (await readFile(stamp, 'utf8')) !== wanted) {
    await rm(folder, { recursive: true, force: true });
  }
  await mkdir(folder, { recursive: true });
  const kb = await cutWorld(join(source, world), folder, sizes);
  await writeFile(stamp, wanted);
  return { folder, kb };
}

async function measure(world: string): Promise<void> {
  const { folder, kb } = await cut(world);
  const command = { python: options.python, folder, threads: Number(options.threads) };
  await prepare(world, command);
  const server = await startServer(join(folder, 'referent'), { REFERENT_THREADS: options.threads });
  const linkers = [referentLinker(server, world, false), referentLinker(server, world, true)];
  try {
    for (const name of names) linkers.push(await startPython(name, command));
    await run(world, kb, linkers);
  } finally {
    for (const linker of linkers) await linker.stop();
    await server.stop();
  }
}

async function run(world: string, kb: CutWorld, linkers: readonly PeerLinker[]): Promise<void> {
  const { documents } = kb;
  const times = await contest(linkers, documents, Number(options.blocks));
  const mentions = documents.reduce((sum, each) => sum + each.mentions.length, 0);
  const [ours] = times;
  for (const [at, { seconds, right }] of times.entries()) {
    const linker = linkers[at];
    if (linker === undefined || ours === undefined) continue;
    const all = seconds.reduce((sum, each) => sum + each, 0);
    printFigure(BENCH, 'speed', {
      world,
      linker: linker.name,
      documentsPerSecond: rounded(documents.length / all),
      mentionsPerSecond: rounded(mentions / all, 2),
      referentIsFaster: rounded(speedRatio(ours, { seconds, right }), 2),
      accuracy: rounded(right / mentions),
      residentMegabytes: Math.round((await linker.residentMegabytes()) ?? NaN),
      startSeconds: rounded(linker.startSeconds, 1),
      ...{ entities: kb.entities, documents: documents.length, mentions },
      ...{ threads: Number(options.threads), trainMentions: sizes.trainMentions },
    });
  }
}

for (const world of options.worlds.split(',')) {
  if (existsSync(join(source, world))) await measure(world);
  else process.stderr.write(`${world} is not in ${source}: left out.\n`);
}
