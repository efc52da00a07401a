import { loadSettings, type Settings } from '../../libs/config/settings.js';
import { writeNote } from './output.js';

/** Options that every command has. */
export interface GlobalOptions {
  readonly dataDir?: string;
  readonly debug?: boolean;
}

/** Settings of the environment under those of the command line. */
export function settingsFor(options: GlobalOptions & { readonly port?: number }): Settings {
  const settings = loadSettings({
    ...(options.dataDir !== undefined && { REFERENT_DATA_DIR: options.dataDir }),
    ...(options.port !== undefined && { PORT: String(options.port) }),
  });
  return settings;
}

/** For commands whose settings nobody else reports. */
export function settingsWithWarnings(options: GlobalOptions): Settings {
  const settings = settingsFor(options);
  for (const warning of settings.warnings) writeNote(`Warning: ${warning}`);
  return settings;
}
