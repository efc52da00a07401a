import { accessSync, constants, mkdirSync } from 'node:fs';
import { ReferentError } from '../../../libs/contract/errors.js';
import { SqliteCatalog } from '../../../libs/kb/sqlite-catalog.js';

/** @throws ReferentError `store-invalid` where the data folder cannot be made or written to. */
export function openCatalog(dataDir: string): SqliteCatalog {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.R_OK | constants.W_OK);
  } catch (cause) {
    throw new ReferentError(
      'store-invalid',
      `The data folder ${dataDir} cannot be used (${String(cause)}): set REFERENT_DATA_DIR to a folder that can be written to.`,
      { cause },
    );
  }
  return new SqliteCatalog({ dataDir });
}
