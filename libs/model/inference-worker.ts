import { parentPort, workerData } from 'node:worker_threads';
import type { InferenceEngine } from './engine.js';
import { OnnxEngine, type OnnxSettings } from './onnx-engine.js';
import type { WorkerCall, WorkerReply } from './worker-protocol.js';

/** Entry of the inference thread: loads the engine, then answers calls one after the other. */

const port = parentPort;
if (port === null) throw new Error('inference-worker.ts is the entry of a worker thread');

function compute(engine: InferenceEngine, { method, batch }: WorkerCall): Promise<Float32Array> {
  switch (method) {
    case 'encodeMentions':
      return engine.encodeMentions(batch);
    case 'encodeEntities':
      return engine.encodeEntities(batch);
    case 'scorePairs':
      return engine.scorePairs(batch);
    case 'tagPieces':
      return engine.tagPieces(batch);
  }
}

/** A copy that may be transferred: the runtime's own buffers may not. */
function reply(message: WorkerReply): void {
  if (message.kind === 'result') {
    const values = message.values.slice();
    port?.postMessage({ ...message, values }, [values.buffer]);
  } else {
    port?.postMessage(message);
  }
}

async function answer(engine: InferenceEngine, call: WorkerCall): Promise<void> {
  try {
    reply({ kind: 'result', id: call.id, values: await compute(engine, call) });
  } catch (error) {
    reply({ kind: 'failed', id: call.id, message: String(error) });
  }
}

const engine = await OnnxEngine.load(workerData as OnnxSettings);
let last: Promise<void> = Promise.resolve();
port.on('message', (message: WorkerCall | 'close') => {
  last = last.then(() => (message === 'close' ? shutDown() : answer(engine, message)));
});
reply({ kind: 'ready' });

async function shutDown(): Promise<void> {
  await engine.close();
  port?.close();
}
