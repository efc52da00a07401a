import { loadSettings } from '../../libs/config/settings.js';
import { ReferentError } from '../../libs/contract/errors.js';
import { work } from './work.js';

try {
  await work(loadSettings());
} catch (error) {
  const text = error instanceof ReferentError ? error.message : String((error as Error).stack);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}
