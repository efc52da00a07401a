import { readFileSync } from 'node:fs';
import { CommanderError, type Command } from 'commander';
import { describeError, exitCodeOf } from './exit.js';
import { endQuietlyOnClosedPipe, writeNote } from './output.js';
import { buildProgram } from './program.js';

endQuietlyOnClosedPipe();
const program = buildProgram(packageVersion());
raiseInsteadOfExit(program);
try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own errors, and help is no error.
  if (!(error instanceof CommanderError)) {
    writeNote(describeError(error, program.opts<{ debug?: boolean }>().debug === true));
  }
  process.exitCode = exitCodeOf(error);
}

/** Commander would end the process itself, with 1 for wrong options. */
function raiseInsteadOfExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(raiseInsteadOfExit);
}

function packageVersion(): string {
  // From dist/apps/cli/, where the build puts this file.
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
