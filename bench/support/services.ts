import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../libs/config/package-root.js';

/** The servers of scripts/support, which is not compiled with the rest: loaded from where it is. */
type Services = typeof import('../../scripts/support/services.mjs');

/** Redis and PostgreSQL for a bench, installed where they are missing. */
export async function services(): Promise<Services> {
  const file = join(packageRoot(), 'scripts', 'support', 'services.mjs');
  const found = (await import(pathToFileURL(file).href)) as Services;
  await found.ensureServices();
  return found;
}
