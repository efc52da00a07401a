import { accessSync, constants, mkdirSync } from 'node:fs';
import { ReferentError } from '../contract/errors.js';
import type { KbCatalog } from './kb-store.js';
import { PostgresCatalog } from './postgres-catalog.js';
import { SqliteCatalog } from './sqlite-catalog.js';

export interface CatalogSettings {
  /** Where SQLite stores are, and index snapshots in any case. */
  readonly dataDir: string;
  /** `postgres://…`; null keeps the stores in SQLite files. */
  readonly databaseUrl: string | null;
}

/** @throws ReferentError `store-invalid` where the data folder cannot be made or written to. */
export function openCatalog({ dataDir, databaseUrl }: CatalogSettings): KbCatalog {
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
  return databaseUrl === null
    ? new SqliteCatalog({ dataDir })
    : new PostgresCatalog({ databaseUrl, dataDir });
}
