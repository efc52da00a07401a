import type { ModelsResponse } from '../../../libs/contract/models-api.js';
import { modelsOf } from '../../../libs/jobs/models-view.js';
import { openCatalog } from '../../../libs/kb/open-catalog.js';
import { table } from '../layout.js';
import { writeResult } from '../output.js';
import { withPool } from '../session.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface ModelsOptions extends GlobalOptions {
  readonly json?: boolean;
}

/** `referent models` */
export async function listModels(options: ModelsOptions): Promise<void> {
  const settings = settingsWithWarnings(options);
  const catalog = openCatalog(settings);
  try {
    const models = await withPool(settings, (pool) => modelsOf(catalog, pool));
    await writeResult(options.json === true ? `${JSON.stringify(models)}\n` : modelTable(models));
  } finally {
    await catalog.close();
  }
}

function modelTable({ models }: ModelsResponse): string {
  return table([
    ['NAME', 'VERSION', 'DIMENSIONS', 'KBS'],
    ...models.map(({ name, version, dimensions, isDefault, kbs, problem }) => [
      isDefault ? `${name} (default)` : name,
      version ?? '-',
      dimensions === null ? '-' : String(dimensions),
      problem ?? (kbs.join(', ') || '-'),
    ]),
  ]);
}
