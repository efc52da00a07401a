import { closeSync, openSync, readSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ReferentError } from '../contract/errors.js';
import { damaged } from './checked-file.js';
import { UsearchGraph } from './usearch-file.js';

/** Build a graph over a file of f32 vectors [rows, D]. */
export interface GraphTask {
  readonly vectorsPath: string;
  readonly graphPath: string;
  readonly rows: number;
  readonly dimensions: number;
}

/** What the thread says: how many rows are in the graph. */
export interface GraphProgress {
  readonly rows: number;
}

/** What a row takes in the file besides its i8 vector: its key and 33 links on average. */
const BYTES_OF_LINKS = 160;

type OnRows = (rows: number) => void;

/** About a quarter of a second of work for two cores: often enough for a progress bar. */
const BATCH_ROWS = 512;

/** Builds the graph in this thread, batch by batch on all cores, and saves it. */
export async function buildGraph(task: GraphTask, onRows: OnRows): Promise<void> {
  const graph = UsearchGraph.empty(task.dimensions);
  const file = openSync(task.vectorsPath, 'r');
  try {
    for (let first = 0; first < task.rows; first += BATCH_ROWS) {
      const count = Math.min(BATCH_ROWS, task.rows - first);
      graph.add(first, readRows(file, task, first, count));
      onRows(first + count);
      await nextTurn();
    }
  } finally {
    closeSync(file);
  }
  graph.save(task.graphPath);
}

/**
 * Builds the graph in a thread of its own, so that a server goes on answering. Errors: `disk-full`, `index-invalid`.
 *
 * Node 20 cannot load TypeScript in a thread. Run from source (the unit tests) the same work is done here, batch by
 * batch; the thread itself is tested with the built files. A `ReferentError` that `onRows` throws stops the build.
 */
export async function buildGraphAside(task: GraphTask, onRows: OnRows): Promise<void> {
  const build = import.meta.url.endsWith('.ts') ? buildGraph : buildInThread;
  const listener = new Listener(onRows);
  try {
    await build(task, (rows) => {
      listener.hear(rows);
    });
  } catch (cause) {
    throw listener.stopped ? cause : await buildError(task, cause);
  }
}

/** Whoever listens may throw to stop the build; that error goes on as it is. */
class Listener {
  stopped = false;

  constructor(private readonly onRows: OnRows) {}

  hear(rows: number): void {
    try {
      this.onRows(rows);
    } catch (cause) {
      this.stopped = true;
      throw cause;
    }
  }
}

function buildInThread(task: GraphTask, onRows: OnRows): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./graph-worker.js', import.meta.url), {
      workerData: task,
      // Not the flags of this process: some of them (--input-type, --eval) fail in a thread.
      execArgv: [],
    });
    thread.on('message', ({ rows }: GraphProgress) => {
      try {
        onRows(rows);
      } catch (cause) {
        void thread.terminate();
        reject(asError(cause));
      }
    });
    thread.on('error', reject);
    thread.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`The thread of the index build ended with code ${code}`));
    });
  });
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause), { cause });
}

/** USearch says no more than that writing failed, so the free space tells whether the disk was full. */
async function buildError(task: GraphTask, cause: unknown): Promise<ReferentError> {
  const { bavail, bsize } = await statfs(dirname(task.graphPath));
  const free = bavail * bsize;
  const needed = task.rows * (task.dimensions + BYTES_OF_LINKS);
  const isFull = free < needed;
  const message = isFull
    ? `No space left while writing ${task.graphPath}: it needs about ${needed} bytes, ${free} are free. ` +
      'Free some space and run it again.'
    : `The graph ${task.graphPath} over ${task.rows} vectors could not be built. Run it again.`;
  return new ReferentError(isFull ? 'disk-full' : 'index-invalid', message, { cause });
}

function readRows(file: number, task: GraphTask, first: number, count: number): Float32Array {
  const rows = new Float32Array(count * task.dimensions);
  const bytes = new Uint8Array(rows.buffer);
  const position = first * task.dimensions * rows.BYTES_PER_ELEMENT;
  const found = readSync(file, bytes, 0, bytes.length, position);
  if (found === bytes.length) return rows;
  throw damaged(task.vectorsPath, `${found} bytes at ${position}`, `${bytes.length} bytes`);
}
