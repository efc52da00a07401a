import { KeyFile } from '../../../libs/access/key-file.js';
import { KeyRing } from '../../../libs/access/key-ring.js';
import { checkBinding } from '../../../libs/config/safe-binding.js';
import type { Settings } from '../../../libs/config/settings.js';
import type { JsonLog } from '../http/json-log.js';

/**
 * The keys of a server that binds to `settings.host`, not yet followed.
 * @throws ReferentError where their file is damaged, or where the address must not be bound without keys.
 */
export function openKeys(settings: Settings, log: JsonLog): KeyRing {
  const keys = KeyRing.open(new KeyFile(settings.keysFile), log);
  const warning = checkBinding({ ...settings, keys: keys.size });
  if (warning !== null) log.warn(warning);
  if (keys.isWritableByOthers()) {
    log.warn(`Others may write to ${settings.keysFile} and make themselves keys: chmod 600.`);
  }
  return keys;
}
