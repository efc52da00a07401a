import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { clusteredVectors, randomSource } from '../libs/index/testing/vectors.js';
import { verifyKb } from '../libs/jobs/verify-kb.js';
import { contentHash } from '../libs/kb/content-hash.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { entity, importAll } from '../libs/kb/testing/records.js';
import { KnowledgeBase } from '../libs/linking/knowledge-base.js';

/**
 * Compaction, in processes of its own, is killed at random moments: there is no snapshot after that or a whole one, and
 * the KB is clean and can be opened, which removes what was left. Needs the built files.
 */
const PROGRAM = join(import.meta.dirname, 'support', 'compact-child.mjs');
const KB = 'demo';
const MODEL = { version: 'm', dimensions: 64 };
const ENTITIES = 6_000;
const KILLS = 12;

let dataDir = '';
let catalog: SqliteCatalog;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'referent-compaction-kill-'));
  catalog = new SqliteCatalog({ dataDir });
  const store = await catalog.openOrCreate(KB);
  const records = Array.from({ length: ENTITIES }, (_, at) => entity({ id: `e${at}` }));
  await importAll(store, records);
  const { dimensions, version } = MODEL;
  const vectors = clusteredVectors({ count: ENTITIES, dimensions, seed: 5 });
  const rows = records.map((record, at) => ({
    contentHash: contentHash(record),
    vector: vectors.subarray(at * dimensions, (at + 1) * dimensions),
  }));
  await store.vectors.put(version, rows);
}, 60_000);
afterEach(() => rm(folder(), { recursive: true, force: true }));
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await catalog.close();
  await rm(dataDir, { recursive: true, force: true });
});

const folder = () => catalog.derivedFolder(KB);

interface Compacting {
  readonly ready: Promise<void>;
  readonly begin: () => void;
  readonly kill: () => void;
  /** What it said at the end; 'ready' where it was killed. */
  readonly ended: Promise<string>;
}

function compacting(): Compacting {
  const args = [PROGRAM, KB, dataDir, MODEL.version, String(MODEL.dimensions)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  running.add(child);
  child.stdin.on('error', () => undefined);
  let last = '';
  let onReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = line;
    if (line === 'ready') onReady();
  });
  const ended = new Promise<string>((resolve) => {
    child.on('close', () => {
      running.delete(child);
      resolve(last);
    });
  });
  return {
    ready,
    begin: () => child.stdin.write('go\n'),
    kill: () => child.kill('SIGKILL'),
    ended,
  };
}

/** The state is clean, and opening leaves nothing but whole snapshots. */
async function expectClean(): Promise<readonly string[]> {
  const store = await catalog.open(KB);
  const options = { store, derivedFolder: folder(), defaultModel: MODEL.version };
  for await (const finding of verifyKb(options)) expect(finding.problems).toEqual([]);
  const warnings: string[] = [];
  const kb = await KnowledgeBase.open({
    store,
    model: MODEL,
    derivedFolder: folder(),
    onWarning: (message) => warnings.push(message),
    changesBeforeSnapshot: Infinity,
  });
  expect(await kb.read((index) => Promise.resolve(index.size))).toBe(ENTITIES);
  await kb.close();
  expect(warnings).toEqual([]);
  const names = await readdir(folder()).catch(() => []);
  expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
  return names.filter((name) => !name.startsWith('build.lock'));
}

describe('compaction in several processes', () => {
  it('is done by one of them, and the others see that', async () => {
    const processes = [compacting(), compacting(), compacting()];
    await Promise.all(processes.map(({ ready }) => ready));
    for (const { begin } of processes) begin();
    const made = await Promise.all(processes.map(({ ended }) => ended));
    expect(made.filter((what) => what === 'built')).toHaveLength(1);
    for (const what of made) expect(['built', 'elsewhere', 'found']).toContain(what);
    expect(await expectClean()).toEqual([`m-${ENTITIES}`]);
  }, 60_000);

  it(`leaves nothing or a whole snapshot when it is killed (${KILLS} times)`, async () => {
    const random = randomSource(3);
    const whole = compacting();
    await whole.ready;
    const began = performance.now();
    whole.begin();
    expect(await whole.ended).toBe('built');
    const usualMs = performance.now() - began;
    let interrupted = 0;
    for (let kills = 0; kills < KILLS; kills++) {
      await rm(folder(), { recursive: true, force: true });
      const one = compacting();
      await one.ready;
      one.begin();
      setTimeout(one.kill, random() * usualMs);
      if ((await one.ended) !== 'built') interrupted++;
      expect([[], [`m-${ENTITIES}`]]).toContainEqual(await expectClean());
    }
    expect(interrupted).toBeGreaterThan(KILLS / 4);
    await rm(folder(), { recursive: true, force: true });
    const last = compacting();
    await last.ready;
    last.begin();
    expect(await last.ended).toBe('built');
  }, 180_000);
});
