import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODEL_FOLDER, shippedManifest } from '../../test/support/golden.js';
import { contentVersion, openModelFolder } from './model-folder.js';

let folder: string;

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');

/** A folder of small files that passes: only checksums and the vocabulary are looked at. */
async function writeFolder(): Promise<void> {
  const vocabulary = await readFile(join(MODEL_FOLDER, 'vocab.txt'), 'utf8');
  const entry = async (path: string, content: string) => {
    await writeFile(join(folder, path), content);
    return { path, sha256: sha256(content) };
  };
  const files = {
    vocabulary: await entry('vocab.txt', vocabulary),
    trunk: await entry('trunk.onnx', 'trunk'),
    mentionHead: await entry('mention-head.onnx', 'mention head'),
    entityHead: await entry('entity-head.onnx', 'entity head'),
    crossEncoder: await entry('cross-encoder.onnx', 'cross-encoder'),
  };
  const tagger = shippedManifest.tagger && {
    ...shippedManifest.tagger,
    file: await entry('tagger.onnx', 'tagger'),
  };
  const manifest = { ...shippedManifest, files, tagger };
  manifest.version = contentVersion(manifest);
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest, null, 2));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-model-'));
  await writeFolder();
});

afterEach(() => rm(folder, { recursive: true }));

const rewriteManifest = async (change: (text: string) => string) => {
  const path = join(folder, 'manifest.json');
  await writeFile(path, change(await readFile(path, 'utf8')));
};

test('the shipped folder is what its manifest says', async () => {
  const { manifest, vocabulary } = await openModelFolder(MODEL_FOLDER);
  expect(vocabulary.length).toBe(30_522);
  expect(manifest.version).toBe(contentVersion(manifest));
});

test('a file with one changed byte is refused by name, with both checksums and a remedy', async () => {
  await writeFile(join(folder, 'cross-encoder.onnx'), 'cross-encodes');
  await expect(openModelFolder(folder)).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringMatching(
      /cross-encoder\.onnx is damaged: expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}; restore/,
    ) as unknown,
  });
});

test('a missing file is refused by name', async () => {
  await rm(join(folder, 'vocab.txt'));
  await expect(openModelFolder(folder)).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining('vocab.txt cannot be read') as unknown,
  });
});

test.each([
  ['no manifest', () => '', 'cannot be read'],
  [
    'a field of the wrong type',
    (text: string) => text.replace('"pad": 0', '"pad": "0"'),
    'ids.pad',
  ],
  [
    'a path outside the folder',
    (text: string) => text.replace('"vocab.txt"', '"../vocab.txt"'),
    'files.vocabulary.path',
  ],
  ['a changed limit', (text: string) => text.replace('63', '64'), 'its content is'],
])('a manifest with %s is refused', async (_, change, message) => {
  await rewriteManifest(change);
  await expect(openModelFolder(folder)).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining(message) as unknown,
  });
});

test('a damaged tagger is refused, and a folder without one is not', async () => {
  await writeFile(join(folder, 'tagger.onnx'), 'taggers');
  await expect(openModelFolder(folder)).rejects.toThrow(/tagger\.onnx is damaged/);
  await rewriteManifest((text) => JSON.stringify({ ...JSON.parse(text), tagger: undefined }));
  expect((await openModelFolder(folder)).paths.tagger).toBeUndefined();
});

test('the tagger can change without a new version: no vector depends on it', async () => {
  const before = await openModelFolder(folder);
  await writeFile(join(folder, 'tagger.onnx'), 'another');
  await rewriteManifest((text) => text.replace(sha256('tagger'), sha256('another')));
  const { manifest, paths } = await openModelFolder(folder);
  expect(paths.tagger).toBe(join(folder, 'tagger.onnx'));
  expect(manifest.version).toBe(before.manifest.version);
});

test('the calibration can change without a new version: no vector depends on it', async () => {
  const before = await openModelFolder(folder);
  await rewriteManifest((text) => text.replace('"bm25Offset": 3', '"bm25Offset": 4'));
  const { manifest } = await openModelFolder(folder);
  expect(manifest.calibration.ranking.bm25Offset).toBe(4);
  expect(manifest.version).toBe(before.manifest.version);
});
