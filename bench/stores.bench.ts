import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readGold } from '../libs/evaluation/gold.js';
import { shuffledOrdinals } from '../libs/evaluation/sample.js';
import { readRecords } from '../libs/jobs/import-reader.js';
import { fileSource, type ImportSource } from '../libs/jobs/import-source.js';
import type { KbStore, LexicalQuery } from '../libs/kb/kb-store.js';
import { openCatalog } from '../libs/kb/open-catalog.js';
import { lexicalQuery } from '../libs/linking/retrieve.js';
import { generatedSource } from './store/sources.js';
import { millisecondsOf, printFigure, quantile, rounded } from './support/figures.js';
import { services } from './support/services.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * The SQLite and the PostgreSQL store beside each other, on the same machine: entities a second of an import without
 * encoder, milliseconds of the reads that linking makes, recall of lexical retrieval on dev mentions.
 *
 *   node dist/bench/stores.bench.js [--lines 100000] [--worlds mdn,disease] [--queries 300] [--database postgres://…]
 *
 * Without --database a PostgreSQL of its own is started with its default settings, and removed.
 */
const { values: options } = parseArgs({
  options: {
    lines: { type: 'string', default: '100000' },
    worlds: { type: 'string', default: 'mdn,disease' },
    queries: { type: 'string', default: '300' },
    database: { type: 'string' },
  },
});

const BENCH = 'stores';
const worlds = process.env['REFERENT_WORLDS'] ?? '../shared/data';
/** Worlds are not part of the project: without their folder only generated entities are measured. */
const isThere = (name: string) => name !== '' && existsSync(join(worlds, name));

interface Query {
  readonly lexical: LexicalQuery;
  /** null where nothing is to be found. */
  readonly goldId: string | null;
}

async function main(): Promise<void> {
  const server = options.database === undefined ? await (await services()).startPostgres() : null;
  const databaseUrl = options.database ?? server?.url ?? '';
  try {
    for (const [adapter, url] of [
      ['SQLite', null],
      ['PostgreSQL', databaseUrl],
    ] as const) {
      await withTemporaryFolder((dataDir) => measureStore(adapter, dataDir, url));
    }
  } finally {
    await server?.stop();
  }
}

async function measureStore(
  adapter: string,
  dataDir: string,
  databaseUrl: string | null,
): Promise<void> {
  const catalog = openCatalog({ dataDir, databaseUrl });
  try {
    const generated = await catalog.openOrCreate('generated');
    await measureImport(adapter, generated, () => generatedSource(Number(options.lines)));
    await measureReads(adapter, generated, await generatedQueries(Number(options.queries)));
    for (const world of options.worlds.split(',').filter(isThere)) {
      const store = await catalog.openOrCreate(world);
      const source = await fileSource(join(worlds, world, 'entities.jsonl.gz'));
      await measureImport(adapter, store, () => source);
      await measureReads(adapter, store, await worldQueries(world, Number(options.queries)));
    }
  } finally {
    for (const { name } of await catalog.list()) await catalog.drop(name);
    await catalog.close();
  }
}

async function measureImport(
  adapter: string,
  store: KbStore,
  open: () => ImportSource,
): Promise<void> {
  await store.imports.begin();
  const staging = await millisecondsOf(async () => {
    for await (const page of readRecords(open())) {
      const records = page.records.map(({ record }) => record);
      await store.imports.add(records);
    }
  });
  const committing = await millisecondsOf(() => store.imports.commit());
  const { entities } = await store.info();
  printFigure(BENCH, 'import', {
    adapter,
    kb: store.name,
    entities,
    perSecond: Math.round((1000 * entities) / (staging + committing)),
    stagingSeconds: rounded(staging / 1000, 1),
    committingSeconds: rounded(committing / 1000, 1),
  });
}

async function measureReads(
  adapter: string,
  store: KbStore,
  queries: readonly Query[],
): Promise<void> {
  const times: Record<string, number[]> = {};
  const timed = async <T>(read: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    (times[read] ??= []).push(performance.now() - start);
    return result;
  };
  const ranks: number[] = [];
  for (const { lexical, goldId } of queries) {
    const hits = await timed('lexical', () => store.names.lexical(lexical, 100));
    const name = lexical.mention.join(' ');
    await timed('exact of 6 names', () =>
      store.names.exact([name, ...lexical.context.slice(0, 5)]),
    );
    await timed('byKeys of 100', () => store.entities.byKeys(hits.map((hit) => hit.key)));
    await timed('search', () => store.entities.search(name, 20));
    await timed('info', () => store.info());
    const from = Math.floor(Math.random() * 1000);
    await timed('changesSince of 1,000', () => store.changesSince(from, 1_000));
    if (goldId !== null) {
      const gold = (await store.entities.byIds([goldId])).get(goldId)?.key;
      const rank = hits.findIndex((hit) => hit.key === gold);
      ranks.push(rank < 0 ? Infinity : rank);
    }
  }
  for (const [read, milliseconds] of Object.entries(times)) {
    const [p50, p99] = [quantile(milliseconds, 0.5), quantile(milliseconds, 0.99)].map((ms) => rounded(ms, 2)); // prettier-ignore
    printFigure(BENCH, 'read', { adapter, kb: store.name, read, p50, p99 });
  }
  const recall = (k: number) => rounded(ranks.filter((rank) => rank < k).length / ranks.length);
  if (ranks.length > 0) {
    const recallAt = { 1: recall(1), 10: recall(10), 50: recall(50), 100: recall(100) };
    printFigure(BENCH, 'recall', { adapter, kb: store.name, mentions: ranks.length, recallAt });
  }
}

/** Mentions of two words in 24 words around, out of the generated texts themselves. */
async function generatedQueries(count: number): Promise<Query[]> {
  const queries: Query[] = [];
  for await (const { records } of readRecords(generatedSource(count))) {
    for (const { record } of records) {
      const lexical = {
        mention: record.title.split(' '),
        context: record.description.split(' ').slice(0, 24),
      };
      queries.push({ lexical, goldId: record.id });
    }
  }
  return queries;
}

/** Mentions of the dev split, in a seeded order. */
async function worldQueries(world: string, count: number): Promise<Query[]> {
  const queries: Query[] = [];
  for await (const { text, mentions } of readGold(join(worlds, world, 'dev.jsonl.gz'))) {
    for (const mention of mentions) {
      if (mention.entityId === null) continue;
      queries.push({ lexical: lexicalQuery(text, mention), goldId: mention.entityId });
    }
  }
  return shuffledOrdinals(queries.length, 7)
    .slice(0, count)
    .flatMap((at) => queries[at] ?? []);
}

await main();
