import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { entityRecord } from '../libs/contract/entity.js';
import { listSnapshots, removeSnapshots } from '../libs/index/snapshot.js';
import { randomSource } from '../libs/index/testing/vectors.js';
import type { KbStore } from '../libs/kb/kb-store.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { SAMPLE } from '../libs/jobs/index-check.js';
import { KnowledgeBase } from '../libs/linking/knowledge-base.js';
import { shippedManifest } from './support/golden.js';
import { modelsFolder, type ModelsFolder } from './support/models-folder.js';
import { fillKbs } from './support/running-api.js';

/**
 * A re-embedding in a process of its own is killed at ten moments, and another process goes on. After each kill the KB
 * is searched with the old model or with the new one, whole; no stored page is encoded a second time. Needs the built
 * files (`npm test` makes them).
 */
const PROGRAM = join(import.meta.dirname, 'support', 'reembed-child.mjs');
const KILLS = 10;
/** One that is done before its kill counts as none. */
const MOST_TRIES = 16;
const ENTITIES = 1_000;
/** Calls of 64 that a kill can find under way: three of each of two pages. It is less than a page. */
const UNDER_WAY = 2 * 3 * 64;
const PAGE = 512;

const RECORDS = Array.from({ length: ENTITIES }, (_, at) =>
  entityRecord.parse({
    id: `e${at}`,
    title: `Tower ${at} of Vienna`,
    description: 'An old tower.',
  }),
);

let folder: string;
let models: ModelsFolder;
const children: Child[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-reembed-'));
  models = await modelsFolder('second');
  await writeFile(join(folder, 'calls'), '');
  await fillKbs(folder, { demo: RECORDS });
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill();
    await child.ended;
  }
  await rm(folder, { recursive: true, force: true });
  await models.remove();
});

/** A process that has the model loaded and waits to be let go. */
class Child {
  readonly lines: string[] = [];
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  private readonly process: ChildProcess;
  private onLine: (line: string) => void = () => undefined;

  constructor() {
    const args = [PROGRAM, 'demo', folder, models.modelsDir, 'second', join(folder, 'calls')];
    this.process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ended = new Promise((resolve) => {
      this.process.on('close', () => {
        resolve();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.process.on('close', () => {
        reject(new Error('it ended before it was ready'));
      });
      createInterface({ input: this.process.stdout ?? process.stdin }).on('line', (line) => {
        this.lines.push(line);
        if (line === 'ready') resolve();
        this.onLine(line);
      });
    });
    this.ready.catch(() => undefined);
    children.push(this);
  }

  start(onLine: (line: string) => void = () => undefined): void {
    this.onLine = onLine;
    this.process.stdin?.write('go\n');
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }
}

/** At first anywhere in the encoding; then soon after a later phase began, between build and change too. */
function strikeFor(at: number, random: () => number): { after: string; delayMs: number } {
  if (at < 5) return { after: 'embed', delayMs: 100 + random() * 900 };
  const after = (['index', 'check', 'swap', 'check', 'index'] as const)[at - 5] ?? 'check';
  return { after, delayMs: random() * { index: 60, check: 400, swap: 60 }[after] };
}

/** Lets a process go and kills it; true where it was done before. */
async function strike(child: Child, { after, delayMs }: ReturnType<typeof strikeFor>) {
  await child.ready;
  child.start((line) => {
    if (line !== after) return;
    setTimeout(() => {
      child.kill();
    }, delayMs);
  });
  await child.ended;
  return child.lines.includes('done');
}

async function withStore<T>(work: (store: KbStore, derived: string) => Promise<T>): Promise<T> {
  const catalog = new SqliteCatalog({ dataDir: folder });
  try {
    return await work(await catalog.open('demo'), catalog.derivedFolder('demo'));
  } finally {
    await catalog.close();
  }
}

/** The KB opens under its active model, with every entity in it. */
const sizeNow = () =>
  withStore(async (store, derivedFolder) => {
    const version = (await store.info()).activeModel ?? shippedManifest.version;
    const model = { version, dimensions: shippedManifest.dimensions };
    const kb = await KnowledgeBase.open({ store, model, derivedFolder });
    const size = await kb.read((index) => Promise.resolve(index.size));
    await kb.close();
    return size;
  });

/** Entities encoded by calls for pages; the check's sample is one call of its own size. */
async function encodedForPages(): Promise<number> {
  const lines = (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');
  const calls = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string[]);
  return calls
    .filter(({ length }) => length !== SAMPLE && length > 1)
    .reduce((sum, { length }) => sum + length, 0);
}

/** It was quicker than the kill: as it was between the last page and the index. */
const goBack = () =>
  withStore(async ({ models: table }, derived) => {
    const { version: target } = shippedManifest;
    const { active } = await table.state();
    await table.begin({ target, model: 'referent-v1' }, target);
    await table.activate(target);
    await removeSnapshots(derived, active ?? '');
  });

const missing = (version: string) =>
  withStore((store) => store.vectors.entitiesWithout(version, { afterKey: 0, limit: ENTITIES }));

it(`goes on after each of ${KILLS} kills where it was, and encodes no stored page again`, async () => {
  const random = randomSource(10);
  const struck: string[] = [];
  let target = '';
  let next = new Child();
  let left = ENTITIES;
  for (let at = 0; struck.length < KILLS && at < MOST_TRIES; at++) {
    const child = next;
    next = new Child(); // loads the model meanwhile
    const isDone = await strike(child, strikeFor(at, random));
    const state = await withStore((store) => store.models.state());
    target ||= state.reembedding?.target ?? '';
    expect([shippedManifest.version, target]).toContain(state.active);
    expect(await sizeNow()).toBe(ENTITIES);
    const { length } = await missing(target);
    expect(length).toBeLessThanOrEqual(left);
    left = length;
    if (!isDone) struck.push(child.lines.at(-1) ?? '');
    if (state.active === target) await goBack();
  }
  expect(struck).toHaveLength(KILLS);
  expect(new Set(struck)).toEqual(new Set([...struck, 'embed', 'check']));

  await next.ready;
  next.start();
  await next.ended;
  expect(next.lines.at(-1)).toBe('done');
  expect(await withStore((store) => store.models.state())).toEqual({
    ...{ active: target, previous: shippedManifest.version, reembedding: null },
  });
  expect(await missing(target)).toEqual([]);
  expect(await sizeNow()).toBe(ENTITIES);
  const [snapshot] = await withStore((_, derived) => listSnapshots(derived, target));
  expect(snapshot?.vectors).toBe(ENTITIES);
  const kills = struck.filter((phase) => phase === 'embed').length;
  expect(UNDER_WAY).toBeLessThan(PAGE);
  expect(await encodedForPages()).toBeLessThanOrEqual(ENTITIES + kills * UNDER_WAY);
}, 300_000);

it('is done once where two processes start it at once', async () => {
  const pair = [new Child(), new Child()];
  await Promise.all(pair.map(({ ready }) => ready));
  for (const child of pair) child.start();
  await Promise.all(pair.map(({ ended }) => ended));
  expect(pair.map(({ lines }) => lines.at(-1))).toEqual(['done', 'done']);
  expect(await encodedForPages()).toBe(ENTITIES);
  expect(await withStore((store) => store.models.state())).toMatchObject({
    previous: shippedManifest.version,
    reembedding: null,
  });
}, 120_000);
