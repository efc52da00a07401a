import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { listSnapshots } from '../libs/index/snapshot.js';
import type { ImportReport } from '../libs/jobs/import-report.js';
import type { KbStore } from '../libs/kb/kb-store.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { collect } from '../libs/kb/testing/records.js';
import { randomSource } from '../libs/index/testing/vectors.js';

/**
 * An import with the shipped model, in a process of its own, is killed at 20 random moments. After each kill the KB is
 * what it was before or what the import makes of it, never something between; in the end it is what an import makes of
 * it that nobody disturbed. Needs the built files (`npm test` makes them).
 */
const ROOT = join(import.meta.dirname, '..');
const PROGRAM = join(ROOT, 'test', 'support', 'import-child.mjs');
const KILLS = 20;
const KB = 'demo';
const MANIFEST = join(ROOT, 'models', 'referent-v1', 'manifest.json');
const MODEL_VERSION = (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version;

/** A process that has the model loaded and waits to be let go. */
class Importer {
  static readonly all: Importer[] = [];
  readonly lines: string[] = [];
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;
  private onLine: (line: string) => void = () => undefined;

  constructor(dataDir: string, file: string) {
    Importer.all.push(this);
    const args = [PROGRAM, KB, dataDir, file];
    this.child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ended = new Promise((resolve) => {
      this.child.on('close', () => {
        resolve();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.child.on('close', () => {
        reject(new Error('the importing process ended before it was ready'));
      });
      createInterface({ input: this.child.stdout ?? process.stdin }).on('line', (line) => {
        this.lines.push(line);
        if (line === 'ready') resolve();
        this.onLine(line);
      });
    });
    this.ready.catch(() => undefined); // nobody may be waiting for it yet
  }

  start(onLine: (line: string) => void = () => undefined): void {
    this.onLine = onLine;
    this.child.stdin?.write('go\n');
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  get report(): ImportReport | undefined {
    const last = this.lines.at(-1);
    return last?.startsWith('{') === true ? (JSON.parse(last) as ImportReport) : undefined;
  }
}

/** Where a run is struck: at a time after its start, or soon after it says a phase. */
interface Strike {
  readonly after: string;
  readonly delayMs: number;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-kill-'));
});
afterAll(async () => {
  Importer.all.forEach((importer) => {
    importer.kill();
  });
  await Promise.all(Importer.all.map((importer) => importer.ended));
  await rm(folder, { recursive: true, force: true });
});

it(`is the same KB after ${KILLS} kills as without`, async () => {
  const files = { base: join(folder, 'base.jsonl'), next: join(folder, 'next.jsonl') };
  await writeFile(files.base, lines(range(0, 150)).join('\n'));
  await writeFile(files.next, nextLines().join('\n'));

  const base = join(folder, 'base');
  await undisturbed(base, files.base);
  const undisturbedFolder = join(folder, 'undisturbed');
  await cp(base, undisturbedFolder, { recursive: true });
  const before = await dump(undisturbedFolder);
  const usualMs = await undisturbed(undisturbedFolder, files.next);
  const expected = await dump(undisturbedFolder);
  expect(expected.entities.size).toBe(750);

  const killed = join(folder, 'killed');
  const restore = () => cp(base, killed, { recursive: true });
  await restore();
  const struck: string[] = [];
  const random = randomSource(20);
  let next = new Importer(killed, files.next);
  while (struck.length < KILLS) {
    const importer = next;
    next = new Importer(killed, files.next); // loads the model meanwhile
    const seen = await strike(importer, strikeFor(struck.length, usualMs, random));
    const after = await dump(killed);
    const isNew = after.sequence !== before.sequence;
    expect(content(after)).toEqual(content(isNew ? expected : before));
    if (importer.report === undefined) struck.push(seen);
    if (isNew) {
      await rm(killed, { recursive: true });
      await restore();
    }
  }
  expect(new Set(struck)).toEqual(new Set([...struck, 'encode', 'index', 'commit']));

  await next.ready;
  next.start();
  await next.ended;
  expect(next.report).toMatchObject({ badLines: 2, duplicates: 1 });
  const after = await dump(killed);
  expect(content(after)).toEqual(content(expected));
  expectSameVectors(after.vectors, expected.vectors);
  expect(after.snapshot).toEqual({ kbSequence: after.sequence, vectors: 750 });
}, 600_000);

/**
 * At first at any time of a run, which mostly strikes the encoding and leaves ever more vectors behind; then soon after
 * a phase began: index and commit are short.
 */
function strikeFor(count: number, usualMs: number, random: () => number): Strike {
  if (count < 8) return { after: 'ready', delayMs: random() * usualMs };
  return { after: count % 2 === 0 ? 'commit' : 'index', delayMs: random() * 40 };
}

/** Lets a run go and kills it; gives the last phase that it said. */
async function strike(importer: Importer, { after, delayMs }: Strike): Promise<string> {
  const later = () =>
    setTimeout(() => {
      importer.kill();
    }, delayMs);
  await importer.ready;
  if (after === 'ready') later();
  importer.start((line) => {
    if (line === after) later();
  });
  await importer.ended;
  return importer.lines.findLast((line) => !line.startsWith('{')) ?? '';
}

async function undisturbed(dataDir: string, file: string): Promise<number> {
  const importer = new Importer(dataDir, file);
  await importer.ready;
  const started = performance.now();
  importer.start();
  await importer.ended;
  expect(importer.report).toBeDefined();
  return performance.now() - started;
}

interface Dump {
  readonly sequence: number;
  readonly entities: ReadonlyMap<string, string>;
  /** Per name: ids in their order with title flag and prior. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Per word: ids with BM25, in the order of id. */
  readonly lexical: ReadonlyMap<string, readonly string[]>;
  readonly vectors: ReadonlyMap<string, Float32Array>;
  readonly snapshot: { readonly kbSequence: number; readonly vectors: number } | undefined;
}

/** All that a reader can see; keys and sequences may differ from run to run and are left out. */
function content({ entities, names, lexical, vectors }: Dump) {
  return { entities, names, lexical, vectors: [...vectors.keys()] };
}

const WORDS = ['harbour', 'number', '7', '17', 'cathedral', 'vienna', 'brand', 'stone', 'replaced'];

async function dump(dataDir: string): Promise<Dump> {
  const catalog = new SqliteCatalog({ dataDir });
  try {
    const store = await catalog.open(KB);
    const { sequence } = await store.info();
    const keys = (await store.changesSince(0, 1e6)).map((change) => change.key);
    const stored = await store.entities.byKeys(keys);
    const ids = new Map(Array.from(stored, ([key, entity]) => [key, entity.record.id]));
    const entities = Array.from(
      stored.values(),
      ({ record, contentHash }) => [record.id, contentHash + JSON.stringify(record)] as const,
    );
    const [newest] = await listSnapshots(catalog.derivedFolder(KB), MODEL_VERSION);
    return {
      sequence,
      entities: new Map(entities.sort(([a], [b]) => (a < b ? -1 : 1))),
      names: await dumpNames(store, ids),
      lexical: await dumpLexical(store, ids),
      vectors: await dumpVectors(store, ids, keys),
      snapshot: newest && { kbSequence: newest.kbSequence, vectors: newest.vectors },
    };
  } finally {
    await catalog.close();
  }
}

type Ids = ReadonlyMap<number, string>;

async function dumpNames(store: KbStore, ids: Ids) {
  const names = await store.names.exact(await collect(store.names.scan({ withStaged: false })));
  return new Map(
    Array.from(names, ([name, hits]) => [
      name,
      hits.map(({ key, isTitle, prior }) => `${ids.get(key)} ${isTitle} ${prior}`),
    ]),
  );
}

async function dumpLexical(store: KbStore, ids: Ids) {
  const found = WORDS.map(async (word) => {
    const hits = await store.names.lexical({ mention: [word], context: ['old', 'town'] }, 1_000);
    return [
      word,
      hits.map(({ key, bm25 }) => `${ids.get(key)} ${bm25.toFixed(9)}`).sort(),
    ] as const;
  });
  return new Map(await Promise.all(found));
}

async function dumpVectors(store: KbStore, ids: Ids, keys: readonly number[]) {
  const page = await store.vectors.ofKeys(MODEL_VERSION, keys);
  const dimensions = page.vectors.length / Math.max(1, page.keys.length);
  const rows = page.keys.map((key, row) => {
    const vector = page.vectors.subarray(row * dimensions, (row + 1) * dimensions);
    return [ids.get(key) ?? '', vector] as const;
  });
  return new Map(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The int8 graphs scale their activations by batch, and a second run makes other batches of what is left. */
function expectSameVectors(
  actual: ReadonlyMap<string, Float32Array>,
  expected: ReadonlyMap<string, Float32Array>,
): void {
  for (const [id, vector] of expected) {
    const other = actual.get(id) ?? new Float32Array();
    const cosine = vector.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
    expect(cosine).toBeGreaterThan(0.98);
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

const PLACES = ['Harbour', 'Cathedral', 'Old Stone Bridge', 'Market', 'Tower'];
const TOWNS = ['Vienna', 'Springfield', 'Brand', 'Port Louis', 'Kyoto', 'Lima', 'Oslo'];

function record(at: number) {
  const place = PLACES[at % PLACES.length] ?? '';
  const town = TOWNS[at % TOWNS.length] ?? '';
  return {
    id: `place/${at}`,
    title: `${place} of ${town} ${at % 40}`,
    aliases: [{ name: `The ${place}`, prior: (at % 9) + 1 }, `${town} number ${at}`],
    types: ['place'],
    description: `A ${place.toLowerCase()} in the old town of ${town}, number ${at}.`,
  };
}

const lines = (numbers: readonly number[]) => numbers.map((at) => JSON.stringify(record(at)));

/** 50 entities as they were, 100 changed, 600 new, a duplicate and two bad lines. */
function nextLines(): string[] {
  const changed = range(50, 150).map((at) =>
    JSON.stringify({ ...record(at), title: `Replaced ${at}` }),
  );
  const twice = JSON.stringify({ ...record(200), aliases: ['a later line'] });
  return [...lines(range(0, 50)), ...changed, 'not json', ...lines(range(150, 750)), '{}', twice];
}
