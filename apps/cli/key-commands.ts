import { InvalidArgumentError, Option, type Command } from 'commander';
import { KEY_ROLES } from '../../libs/contract/roles.js';
import type { AddKeyOptions, ListKeysOptions } from './commands/keys.js';
import { HELP, SHARED_HELP } from './help.js';
import type { GlobalOptions } from './settings.js';

/** `referent keys …`: a command of commands. */
export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('make, list and revoke the API keys of the server')
    .addHelpText('after', HELP.keys + SHARED_HELP);
  keys
    .command('add')
    .description('make a key; it is printed once and kept nowhere')
    .addOption(
      new Option('--role <role>', 'annotate: links texts and reads; admin: may do everything')
        .choices(KEY_ROLES)
        .makeOptionMandatory(),
    )
    .option('--name <name>', 'for logs and for revoking it: letters, digits, . _ @ -', keyName)
    .option('--json', 'print the key with its name and id as JSON')
    .action(async (_options: unknown, command: Command) => {
      const { addKey } = await import('./commands/keys.js');
      await addKey(command.optsWithGlobals<AddKeyOptions>());
    });
  keys
    .command('list')
    .description('list the keys: names, ids and roles')
    .option('--json', 'print JSON')
    .action(async (_options: unknown, command: Command) => {
      const { listKeys } = await import('./commands/keys.js');
      await listKeys(command.optsWithGlobals<ListKeysOptions>());
    });
  keys
    .command('revoke')
    .description('make a key worthless; running servers know within two seconds')
    .argument('<key>', 'its name or its id')
    .action(async (nameOrId: string, _options: unknown, command: Command) => {
      const { revokeKey } = await import('./commands/keys.js');
      await revokeKey(nameOrId, command.optsWithGlobals<GlobalOptions>());
    });
}

function keyName(value: string): string {
  if (/^[\w.@-]{1,64}$/.test(value)) return value;
  throw new InvalidArgumentError('It must be 1 to 64 letters, digits, or . _ @ -.');
}
