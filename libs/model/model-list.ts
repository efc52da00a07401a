import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { readManifest, releaseOf } from './model-folder.js';

/** A model folder by its manifest; its other files are verified when it is loaded. */
export interface ListedModel {
  /** Name of the folder. */
  readonly name: string;
  readonly folder: string;
  /** Of its vectors; several models may share one. */
  readonly version: string;
  readonly release: string;
  readonly dimensions: number;
}

/** A folder that has a manifest which cannot be used. */
export interface UnusableModel {
  readonly name: string;
  readonly problem: string;
}

export interface ModelFolders {
  /** Every folder in it with a manifest is a model. */
  readonly modelsDir: string;
  /** The model that a process is started with; it may lie elsewhere, and has its name before all others. */
  readonly modelDir: string;
}

export interface ModelList {
  /** The default one first, the others by name. */
  readonly models: readonly ListedModel[];
  readonly unusable: readonly UnusableModel[];
}

const FOLDER_NAME = /^[A-Za-z0-9_][\w.-]*$/;

/** What there is at this moment. */
export async function listModels({ modelsDir, modelDir }: ModelFolders): Promise<ModelList> {
  const own = resolve(modelDir);
  const names = (await namesIn(modelsDir)).filter((name) => name !== basename(own));
  const folders = [own, ...names.map((name) => join(modelsDir, name))];
  const found = await Promise.all(folders.map(listed));
  return {
    models: found.filter((one): one is ListedModel => one !== null && 'version' in one),
    unusable: found.filter((one): one is UnusableModel => one !== null && 'problem' in one),
  };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => FOLDER_NAME.test(name)).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** null for what is no model at all. */
async function listed(folder: string): Promise<ListedModel | UnusableModel | null> {
  const name = basename(folder);
  try {
    const manifest = await readManifest(folder);
    const { version, dimensions } = manifest;
    return { name, folder, version, dimensions, release: releaseOf(manifest) };
  } catch (error) {
    if (!(error instanceof ReferentError)) throw error;
    return hasNoManifest(error) ? null : { name, problem: error.message };
  }
}

function hasNoManifest({ cause }: ReferentError): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
