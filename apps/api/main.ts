import { loadSettings } from '../../libs/config/settings.js';
import { ReferentError } from '../../libs/contract/errors.js';
import { serve } from './serve.js';

try {
  await serve(loadSettings());
} catch (error) {
  const text = error instanceof ReferentError ? error.message : String((error as Error).stack);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}
