import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ReferentError } from '../contract/errors.js';
import { parseVocabulary } from '../text/wordpiece.js';
import { modelManifest, type ModelManifest } from './manifest.js';

const REMEDY = 'restore the folder from the repository or its release';

/** A model folder whose files are what its manifest says. */
export interface ModelFolder {
  readonly manifest: ModelManifest;
  readonly vocabulary: readonly string[];
  /** Absolute or relative path of each file, by its role. */
  readonly paths: Readonly<Record<keyof ModelManifest['files'], string>> & {
    readonly tagger?: string;
  };
}

function invalid(message: string, cause?: unknown): ReferentError {
  return new ReferentError('model-invalid', `${message}; ${REMEDY}`, { cause });
}

/**
 * The hash that names a model's vectors: of all that they depend on. A new cross-encoder, tagger or calibration
 * re-embeds nothing. 16 hex digits.
 */
export function contentVersion(manifest: Pick<ModelManifest, 'files' | 'limits' | 'ids'>): string {
  const { vocabulary, trunk, mentionHead, entityHead } = manifest.files;
  const encoders = [vocabulary, trunk, mentionHead, entityHead];
  const files = encoders.map(({ path, sha256 }) => [path, sha256]);
  const sorted = (record: Record<string, number>) => Object.entries(record).sort();
  return digestOf([files.sort(), sorted(manifest.limits), sorted(manifest.ids)], 16);
}

/** What answers name: the vectors' version, and a hash of all that decides about them. */
export function releaseOf(manifest: ModelManifest): string {
  return `${manifest.version}-${digestOf(manifest, 8)}`;
}

function digestOf(content: unknown, digits: number): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, digits);
}

/** The manifest alone; `model-invalid` where it is not valid. Says nothing of the other files. */
export async function readManifest(folder: string): Promise<ModelManifest> {
  const path = join(folder, 'manifest.json');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw invalid(`${path} cannot be read: ${String(cause)}`, cause);
  }
  const parsed = modelManifest.safeParse(json);
  if (!parsed.success) throw invalid(`${path} is not valid: ${z.prettifyError(parsed.error)}`);
  const expected = contentVersion(parsed.data);
  if (parsed.data.version === expected) return parsed.data;
  throw invalid(`${path} names version ${parsed.data.version}, its content is ${expected}`);
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  } catch (cause) {
    throw invalid(`${path} cannot be read: ${String(cause)}`, cause);
  }
  return hash.digest('hex');
}

async function verify(path: string, expected: string): Promise<void> {
  const found = await sha256Of(path);
  if (found !== expected) {
    throw invalid(`${path} is damaged: expected SHA-256 ${expected}, found ${found}`);
  }
}

function checkSpecialIds(vocabulary: readonly string[], { ids }: ModelManifest): void {
  const names = {
    pad: '[PAD]',
    unknown: '[UNK]',
    cls: '[CLS]',
    sep: '[SEP]',
    semicolon: ';',
  } as const;
  for (const [role, piece] of Object.entries(names)) {
    const id = ids[role as keyof typeof names];
    if (vocabulary[id] !== piece) throw invalid(`id ${id} of the vocabulary is not ${piece}`);
  }
}

/** Reads the manifest and verifies every file; `model-invalid` names the file and what is wrong with it. */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  const manifest = await readManifest(folder);
  const { files, tagger } = manifest;
  const paths = {
    vocabulary: join(folder, files.vocabulary.path),
    trunk: join(folder, files.trunk.path),
    mentionHead: join(folder, files.mentionHead.path),
    entityHead: join(folder, files.entityHead.path),
    crossEncoder: join(folder, files.crossEncoder.path),
  };
  const roles = Object.keys(paths) as (keyof typeof paths)[];
  await Promise.all(roles.map((role) => verify(paths[role], files[role].sha256)));
  const taggerPaths = tagger === undefined ? {} : { tagger: join(folder, tagger.file.path) };
  if (tagger !== undefined) await verify(join(folder, tagger.file.path), tagger.file.sha256);
  const vocabulary = parseVocabulary(await readFile(paths.vocabulary, 'utf8'));
  checkSpecialIds(vocabulary, manifest);
  return { manifest, vocabulary, paths: { ...paths, ...taggerPaths } };
}
