import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BUILT = join(import.meta.dirname, '../dist/libs/index/snapshot.js');

/** Builds a snapshot with the built files, where the graph is made in a thread; prints what it saw. */
const PROGRAM = `
  import { buildSnapshot, openSnapshot } from ${JSON.stringify(BUILT)};
  const [root, stopAt] = process.argv.slice(1);
  const D = 128, N = 6000;
  const vectors = new Float32Array(N * D);
  for (let i = 0; i < N; i++) {
    const row = vectors.subarray(i * D, (i + 1) * D).map((_, j) => Math.sin(i * 1.7 + j * (1 + (i % 13))));
    const length = Math.hypot(...row);
    vectors.set(row.map((x) => x / length), i * D);
  }
  const model = { modelVersion: 'm', dimensions: D };
  async function* pages() { yield { keys: [...Array(N).keys()], vectors }; }
  async function* names() { yield ['a b']; }
  let ticks = 0, graphReports = 0;
  const timer = setInterval(() => { ticks += 1; }, 5);
  try {
    const folder = await buildSnapshot(root, { ...model, kbSequence: 1 }, pages(), names(), ({ phase }) => {
      if (phase !== 'graph') return;
      if (graphReports++ === 0) ticks = 0;
      if (stopAt === phase) throw new Error('stopped');
    });
    const { vectors: index } = await openSnapshot(folder, model);
    const [nearest] = index.search(vectors.subarray(5 * D, 6 * D), 1);
    console.log(JSON.stringify({ size: index.size, cosine: nearest.cosines[0], ticks, graphReports }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
  clearInterval(timer);
`;

interface Seen {
  readonly error?: string;
  readonly size?: number;
  readonly cosine?: number;
  readonly ticks?: number;
  readonly graphReports?: number;
}

async function build(root: string, ...args: readonly string[]): Promise<Seen> {
  const { stdout } = await run(process.execPath, [
    '--input-type=module',
    '-e',
    PROGRAM,
    root,
    ...args,
  ]);
  return JSON.parse(stdout) as Seen;
}

describe('the thread that builds a graph', () => {
  let root = '';

  beforeEach(async () => {
    await access(BUILT);
    root = await mkdtemp(join(tmpdir(), 'referent-thread-'));
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  it('builds the snapshot while timers of the main thread go on', async () => {
    const seen = await build(root);
    expect(seen).toMatchObject({ size: 6_000 });
    expect(seen.cosine).toBeGreaterThan(0.999);
    expect(seen.graphReports).toBeGreaterThan(5);
    expect(seen.ticks).toBeGreaterThan(10);
  });

  it('ends when whoever listens throws', async () => {
    expect(await build(root, 'graph')).toEqual({ error: 'stopped' });
    expect(await readdir(root)).toEqual([]);
  });
});
