import { parentPort, workerData } from 'node:worker_threads';
import { buildGraph, type GraphProgress, type GraphTask } from './graph-build.js';

/** The thread of `buildGraphAside`: one task, progress by message, then it ends. */
await buildGraph(workerData as GraphTask, (rows) => {
  parentPort?.postMessage({ rows } satisfies GraphProgress);
});
