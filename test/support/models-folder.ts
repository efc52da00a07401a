import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { modelManifest } from '../../libs/model/manifest.js';
import { contentVersion } from '../../libs/model/model-folder.js';
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

/**
 * The shipped model, but it reads this many characters of an entity's description: the same graphs give other vectors,
 * and the version is another. Gives the version.
 */
export async function addModel(
  modelsDir: string,
  name: string,
  descriptionChars: number,
): Promise<string> {
  const folder = join(modelsDir, name);
  await mkdir(folder);
  const shipped = resolve(MODEL_FOLDER);
  for (const file of await readdir(shipped)) {
    if (file !== 'manifest.json') await symlink(join(shipped, file), join(folder, file));
  }
  const text = await readFile(join(shipped, 'manifest.json'), 'utf8');
  const manifest = modelManifest.parse(JSON.parse(text));
  const changed = {
    ...manifest,
    name,
    limits: { ...manifest.limits, entityDescriptionChars: descriptionChars },
  };
  const version = contentVersion(changed);
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...changed, version }));
  return version;
}
