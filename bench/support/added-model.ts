import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { modelManifest } from '../../libs/model/manifest.js';
import { contentVersion } from '../../libs/model/model-folder.js';
import { MODEL_FOLDER } from './demo-kb.js';

/**
 * Adds the shipped model under another name, but it reads this many characters of an entity's description: the same
 * graphs (files are links) give other vectors, and the version is another. Gives the version.
 */
export async function addModel(
  modelsDir: string,
  name: string,
  descriptionChars: number,
): Promise<string> {
  const folder = join(modelsDir, name);
  await mkdir(folder, { recursive: true });
  const shipped = resolve(MODEL_FOLDER);
  for (const file of await readdir(shipped)) {
    if (file !== 'manifest.json') await symlink(join(shipped, file), join(folder, file));
  }
  const text = await readFile(join(shipped, 'manifest.json'), 'utf8');
  const manifest = modelManifest.parse(JSON.parse(text));
  const limits = { ...manifest.limits, entityDescriptionChars: descriptionChars };
  const changed = { ...manifest, name, limits };
  const version = contentVersion(changed);
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...changed, version }));
  return version;
}
