import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomSource } from '../libs/index/testing/vectors.js';
import { verifyKb } from '../libs/jobs/verify-kb.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { HOMONYMS } from './support/homonyms.js';
import { ReferentProcess, until, type Running } from './support/referent-process.js';
import { fillKbs } from './support/running-api.js';

/**
 * Servers are killed with SIGKILL in the middle of bulk writes. After each kill the KB is clean, every line that was
 * reported is there, and of what was not, whole pages or nothing. Needs the built files.
 */
const KILLS = 6;
const LINES = 1_500;
const MANIFEST = join(import.meta.dirname, '..', 'models', 'referent-v1', 'manifest.json');
const MODEL_VERSION = (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version;

let dataDir = '';
let referent: ReferentProcess;
const running = new Set<Running>();

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'referent-entities-kill-'));
  await fillKbs(dataDir, { demo: HOMONYMS });
  referent = new ReferentProcess({
    REFERENT_DATA_DIR: dataDir,
    PORT: '0',
    REFERENT_THREADS: '1',
    REFERENT_LOG_LEVEL: 'error',
  });
}, 60_000);
afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
});

async function serve(): Promise<{ server: Running; url: string }> {
  const server = referent.start('serve');
  running.add(server);
  const url = await until(
    () => /http:\/\/\S+/.exec(server.output.stdout + server.output.stderr)?.[0],
  );
  await until(() => server.child.exitCode === null);
  for (let waited = 0; ; waited += 20) {
    const isReady = await fetch(`${url}/health/ready`).then(({ ok }) => ok, () => false); // prettier-ignore
    if (isReady) return { server, url };
    if (waited > 30_000) throw new Error(`not ready: ${server.output.stderr}`);
    await sleep(20);
  }
}

async function kill({ server }: { server: Running }): Promise<void> {
  server.child.kill('SIGKILL');
  await server.ended;
  running.delete(server);
}

interface Sent {
  /** Reported, by id: the round's number that the entity has now. */
  readonly reported: Map<string, number>;
  readonly done: Promise<void>;
}

/** Lines of one round change the same entities: a description that needs no encoding, in `data`. */
function send(url: string, round: number): Sent {
  const reported = new Map<string, number>();
  const sent = request(`${url}/v1/entities`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
  });
  const done = new Promise<void>((resolve) => {
    sent.on('error', () => {
      resolve();
    });
    sent.on('response', (response) => {
      response.on('error', () => undefined);
      const lines = createInterface(response);
      lines.on('line', (line) => {
        const { id, status } = parsed(line);
        if (id !== undefined && status !== undefined) reported.set(id, round);
      });
      lines.on('close', () => {
        resolve();
      });
      // An answer that breaks off is an error of the lines as well, and not their end.
      lines.on('error', () => {
        resolve();
      });
    });
  });
  const lines = Array.from({ length: LINES }, (_, at) =>
    JSON.stringify({ id: `e${at}`, title: `Entity ${at % 40}`, data: { round } }),
  );
  sent.end(lines.join('\n'));
  return { reported, done };
}

/** The last line of a killed server may be cut. */
function parsed(line: string): { id?: string; status?: string } {
  try {
    return JSON.parse(line) as { id?: string; status?: string };
  } catch {
    return {};
  }
}

/** As another process reads it: each entity's round, after a check of everything. */
async function roundsNow(): Promise<Map<string, number>> {
  const catalog = new SqliteCatalog({ dataDir });
  try {
    const store = await catalog.open('demo');
    const derivedFolder = catalog.derivedFolder('demo');
    for await (const finding of verifyKb({ store, derivedFolder, defaultModel: MODEL_VERSION })) {
      expect({ check: finding.check, problems: finding.problems }).toMatchObject({ problems: [] });
    }
    const rounds = new Map<string, number>();
    for await (const page of store.entities.scan()) {
      for (const { record } of page) {
        const round = record.data?.['round'];
        if (typeof round === 'number') rounds.set(record.id, round);
      }
    }
    return rounds;
  } finally {
    await catalog.close();
  }
}

it(`loses no line that was reported, after ${KILLS} kills in the middle of bulk writes`, async () => {
  const random = randomSource(11);
  const known = new Map<string, number>();
  let interrupted = 0;
  for (let round = 1; round <= KILLS; round++) {
    const api = await serve();
    const { reported, done } = send(api.url, round);
    await sleep(20 + random() * 300);
    await kill(api);
    await done;
    if (reported.size < LINES) interrupted++;
    for (const [id, at] of reported) known.set(id, at);
    const found = await roundsNow();
    for (const [id, at] of known) expect([id, (found.get(id) ?? -1) >= at]).toEqual([id, true]);
    // Pages go in order: what was written of this round is a beginning of its lines.
    const written = Array.from({ length: LINES }, (_, at) => found.get(`e${at}`) === round);
    expect(written.lastIndexOf(true) + 1).toBe(written.filter(Boolean).length);
    for (const [id, at] of found) known.set(id, at);
  }
  expect(interrupted).toBeGreaterThan(KILLS / 4);
  const { code, stdout } = await referent.run('verify', '--kb', 'demo');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/ok .* change feed/)]);
}, 300_000);
