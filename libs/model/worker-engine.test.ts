import { expect, test } from '@jest/globals';
import { MODEL_FOLDER } from '../../test/support/golden.js';
import { openModelFolder } from './model-folder.js';
import { OnnxEngine, type OnnxSettings } from './onnx-engine.js';
import { inferenceWorkerEntry } from './worker-entry.js';
import { WorkerEngine } from './worker-engine.js';

const settings = async (): Promise<OnnxSettings> => {
  return { ...(await openModelFolder(MODEL_FOLDER)).paths, threads: 1 };
};
const crashing = {
  url: new URL('../../test/support/crashing-worker.mjs', import.meta.url),
  options: {},
};
const batch = () => ({
  ids: Int32Array.of(101, 2543, 7384, 102, 102, 102),
  lengths: Int32Array.of(6),
  titlePieces: Int32Array.of(2),
  features: Int32Array.of(2, 0, 0, 0, 0, 0, 0, 0),
});

test('the thread computes what the engine computes', async () => {
  const direct = await OnnxEngine.load(await settings());
  const threaded = await WorkerEngine.start(await settings());
  expect(await threaded.encodeEntities(batch())).toEqual(await direct.encodeEntities(batch()));
  await Promise.all([direct.close(), threaded.close()]);
});

test('when the thread dies, open calls fail as not-ready and the next call starts another', async () => {
  const entry = { ...crashing };
  const engine = await WorkerEngine.start(await settings(), entry);
  const calls = await Promise.allSettled([
    engine.encodeEntities(batch()),
    engine.encodeEntities(batch()),
  ]);
  for (const call of calls) {
    expect(call).toMatchObject({ status: 'rejected', reason: { code: 'not-ready' } });
    expect(String((call as PromiseRejectedResult).reason)).toContain('out of luck');
  }
  Object.assign(entry, inferenceWorkerEntry());
  expect((await engine.encodeEntities(batch())).length).toBe(384);
  await engine.close();
});

test('a batch that the graphs refuse fails alone', async () => {
  const engine = await WorkerEngine.start(await settings());
  const unknownId = { ...batch(), ids: Int32Array.of(101, 2543, 99_999, 102, 102, 102) };
  await expect(engine.encodeEntities(unknownId)).rejects.toMatchObject({ code: 'model-invalid' });
  expect((await engine.encodeEntities(batch())).length).toBe(384);
  await engine.close();
});

test('a graph that cannot be loaded fails the start', async () => {
  const missing = { ...(await settings()), trunk: 'no-such-file.onnx' };
  await expect(WorkerEngine.start(missing)).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining('no-such-file.onnx') as unknown,
  });
});

test('a closed engine takes no calls', async () => {
  const engine = await WorkerEngine.start(await settings(), crashing);
  await engine.close();
  await expect(engine.encodeEntities(batch())).rejects.toMatchObject({ code: 'not-ready' });
});
