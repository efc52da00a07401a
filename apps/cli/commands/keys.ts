import { KeyFile } from '../../../libs/access/key-file.js';
import type { StoredKey } from '../../../libs/access/api-key.js';
import type { KeyRole } from '../../../libs/contract/roles.js';
import { table } from '../layout.js';
import { writeNote, writeResult } from '../output.js';
import { settingsFor, type GlobalOptions } from '../settings.js';

export interface AddKeyOptions extends GlobalOptions {
  readonly role: KeyRole;
  readonly name?: string;
  readonly json?: boolean;
}

export interface ListKeysOptions extends GlobalOptions {
  readonly json?: boolean;
}

/** `referent keys add`: the key alone goes to stdout, so that it can be piped to where it is kept. */
export async function addKey(options: AddKeyOptions): Promise<void> {
  const { secret, stored } = fileOf(options).add(options.role, options.name);
  const told = options.json === true ? JSON.stringify({ key: secret, ...shown(stored) }) : secret;
  await writeResult(`${told}\n`);
  writeNote(
    `The key ${stored.name} (id ${stored.id}, role ${stored.role}) is not shown again. A server that runs takes it within two seconds.`,
  );
}

/** `referent keys list` */
export async function listKeys(options: ListKeysOptions): Promise<void> {
  const file = fileOf(options);
  const keys = file.read();
  const list = (keys ?? []).map(shown);
  if (options.json === true) await writeResult(`${JSON.stringify({ keys: list })}\n`);
  else if (list.length > 0) await writeResult(keyTable(list));
  if (list.length === 0) writeNote(withoutKeys(keys !== null, file.path));
}

/** `referent keys revoke` */
export function revokeKey(nameOrId: string, options: GlobalOptions): Promise<void> {
  const file = fileOf(options);
  const { revoked, left } = file.revoke(nameOrId);
  writeNote(`The key ${revoked.name} (id ${revoked.id}) is worthless now.`);
  if (left === 0) writeNote(withoutKeys(true, file.path));
  return Promise.resolve();
}

function fileOf(options: GlobalOptions): KeyFile {
  return new KeyFile(settingsFor(options).keysFile);
}

type Shown = Omit<StoredKey, 'sha256'>;

function shown({ id, name, role, createdAt }: StoredKey): Shown {
  return { id, name, role, createdAt };
}

function keyTable(keys: readonly Shown[]): string {
  return table([
    ['NAME', 'ID', 'ROLE', 'MADE'],
    ...keys.map(({ id, name, role, createdAt }) => [name, id, role, createdAt]),
  ]);
}

function withoutKeys(hasFile: boolean, path: string): string {
  const remedy = 'make one with `referent keys add --role annotate`';
  return hasFile
    ? `There is no key left, and nobody gets in: ${remedy}; or delete ${path} and start the server again, which then answers everybody on this machine.`
    : `There are no keys: a server on loopback answers everybody on this machine. To ask for keys, ${remedy}.`;
}
