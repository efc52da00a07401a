import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { addModel } from '../../bench/support/added-model.js';
import { MODEL_FOLDER } from './golden.js';

/** A folder with the shipped model and others. */
export interface ModelsFolder {
  readonly modelsDir: string;
  readonly remove: () => Promise<void>;
}

/** Has `referent-v1`, and models of other vectors by these names. */
export async function modelsFolder(...others: readonly string[]): Promise<ModelsFolder> {
  const modelsDir = await mkdtemp(join(tmpdir(), 'referent-models-'));
  await symlink(resolve(MODEL_FOLDER), join(modelsDir, 'referent-v1'));
  for (const [at, name] of others.entries()) await addModel(modelsDir, name, 12 + at);
  return { modelsDir, remove: () => rm(modelsDir, { recursive: true, force: true }) };
}
