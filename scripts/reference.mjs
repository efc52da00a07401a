/** `npm run openapi`: writes docs/openapi.json, docs/settings.md and docs/metrics.md from the schemas. A unit test tells when it is due. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled } from './support/prepare.mjs';
import { root } from './support/run.mjs';

const built = (path) => import(pathToFileURL(join(root, 'dist', 'libs', path)).href);

await ensureInstalled();
await ensureBuilt();
const { openApiText } = await built('contract/openapi.js');
const { packageVersion } = await built('config/package-root.js');
const { settingsTable } = await built('config/settings-table.js');
const { metricsTable } = await built('metrics/metrics-table.js');
for (const [path, text] of [
  ['docs/openapi.json', openApiText(packageVersion())],
  ['docs/settings.md', settingsTable()],
  ['docs/metrics.md', metricsTable()],
]) {
  writeFileSync(join(root, path), text);
  process.stdout.write(`${path}\n`);
}
