import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { randomSource } from '../libs/index/testing/vectors.js';
import type { LearningReport } from '../libs/jobs/learn-documents.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { entity, importAll } from '../libs/kb/testing/records.js';

/**
 * Learning, in a process of its own, is killed at 20 random moments. After each kill whole pages were learned and
 * nothing between; in the end the counts are those of a run that nobody disturbed. Needs the built files.
 */
const PROGRAM = join(import.meta.dirname, 'support', 'learn-child.mjs');
const KB = 'demo';
const KILLS = 20;
const PAGE = 256;
const TEXTS = 40 * PAGE;
const NAMES = ['red', 'blue', 'green star', 'mars', 'pluto'];

let folder = '';
let file = '';
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-learn-kill-'));
  file = join(folder, 'labelled.jsonl');
  await writeFile(file, Array.from({ length: TEXTS }, (_, at) => `${text(at)}\n`).join(''));
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** A text with one marked name and one of Mars, NIL in every seventh. */
function text(at: number): string {
  const name = NAMES[at % NAMES.length] ?? '';
  const entityId = at % 7 === 0 ? null : `e${at % 9}`;
  const mentions = [{ start: 0, end: name.length, entityId }];
  return JSON.stringify({ id: `${at}`, text: `${name} and Mars number ${at}`, mentions });
}

async function makeKb(dataDir: string): Promise<void> {
  const catalog = new SqliteCatalog({ dataDir });
  const records = Array.from({ length: 9 }, (_, at) => entity({ id: `e${at}` }));
  await importAll(await catalog.openOrCreate(KB), [...records, entity({ id: 'mars' })]);
  await catalog.close();
}

/** Runs until the end, or until a delay after it began to learn; gives the report, where it came to one. */
async function learn(dataDir: string, killAfterMs?: number): Promise<LearningReport | undefined> {
  const child = spawn(process.execPath, [PROGRAM, KB, dataDir, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.add(child);
  let last = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = line;
    if (line !== 'ready') return;
    child.stdin.write('go\n');
    if (killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  });
  await new Promise((resolve) => child.on('close', resolve));
  running.delete(child);
  return last.startsWith('{') ? (JSON.parse(last) as LearningReport) : undefined;
}

/** All that was learned, by what a reader can ask. */
async function dump(dataDir: string) {
  const catalog = new SqliteCatalog({ dataDir });
  const store = await catalog.open(KB);
  const names = await store.names.exact(NAMES);
  const surfaces = await store.learned.surfaces(NAMES);
  const totals = await store.learned.totals();
  await catalog.close();
  return { names, surfaces, totals };
}

it(`counts after ${KILLS} kills what it counts without`, async () => {
  const whole = join(folder, 'whole');
  await makeKb(whole);
  const started = performance.now();
  expect(await learn(whole)).toMatchObject({ learned: TEXTS, mentions: TEXTS });
  const usualMs = performance.now() - started;
  const expected = await dump(whole);

  const killed = join(folder, 'killed');
  await makeKb(killed);
  const random = randomSource(7);
  const seen = new Set<number>();
  for (let kills = 0; kills < KILLS; kills++) {
    await learn(killed, (random() * usualMs) / 8);
    const { totals } = await dump(killed);
    expect(totals.documents % PAGE).toBe(0);
    expect(totals.mentions).toBe(totals.documents);
    seen.add(totals.documents);
  }
  expect(seen.size).toBeGreaterThan(2);
  const { documents } = (await dump(killed)).totals;
  expect(await learn(killed)).toMatchObject({ learned: TEXTS - documents, known: documents });
  expect(await dump(killed)).toEqual(expected);
}, 300_000);
