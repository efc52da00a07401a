import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { modelManifest } from '../../libs/model/manifest.js';
import { contentVersion } from '../../libs/model/model-folder.js';

/**
 * A folder of models with `name`, which is the given one but for a shorter description in the entity encoder: other
 * vectors and another version from the same graphs. Files are links. Gives the version.
 */
export function addSecondModel(modelsDir: string, original: string, name: string): string {
  const folder = join(modelsDir, name);
  mkdirSync(folder, { recursive: true });
  const manifest = modelManifest.parse(
    JSON.parse(readFileSync(join(original, 'manifest.json'), 'utf8')),
  );
  for (const file of readdirSync(original)) {
    if (file !== 'manifest.json') symlinkSync(resolve(original, file), join(folder, file));
  }
  const limits = { ...manifest.limits, entityDescriptionChars: 300 };
  const changed = { ...manifest, name, limits };
  const version = contentVersion(changed);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...changed, version }));
  return version;
}
