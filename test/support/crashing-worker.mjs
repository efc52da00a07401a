import { parentPort } from 'node:worker_threads';

/** An inference thread that loads well and dies of its first call. */
parentPort.postMessage({ kind: 'ready' });
parentPort.on('message', (message) => {
  if (message === 'close') parentPort.close();
  else throw new Error('out of luck');
});
