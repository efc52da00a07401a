import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const LOAD_MODEL = `
  const { LinkingModel } = await import('./dist/libs/model/linking-model.js');
  const model = await LinkingModel.load('models/referent-v1');
  await model.encodeEntities([{ title: 'Mercury', aliases: [], types: [], description: '' }]);
  await model.close();`;
const BARE_RUNTIME = `
  const { InferenceSession } = await import('onnxruntime-node');
  await InferenceSession.create('models/referent-v1/mention-head.onnx');`;

/** ONNX Runtime's reporting leaves its files in the temporary folder, which is how it is noticed here. */
describe('reports to the maker of ONNX Runtime', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'referent-reports-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function filesLeftBy(script: string): Promise<string[]> {
    const env = { PATH: process.env['PATH'], TMPDIR: folder };
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
    return readdir(folder);
  }

  it('are off when the model is loaded', async () => {
    expect(await filesLeftBy(LOAD_MODEL)).toEqual([]);
  });

  it('would be noticed: the bare runtime makes them on Linux', async () => {
    const files = await filesLeftBy(BARE_RUNTIME);
    if (process.platform === 'linux') expect(files).not.toEqual([]);
  });
});
