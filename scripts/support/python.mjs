import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, textOf } from './prepare.mjs';
import { runQuiet, withProgress } from './run.mjs';

const isWindows = process.platform === 'win32';

/** The Python of a virtual environment in `folder` that has these requirements; made where they changed. */
export async function ensurePython(folder, requirements) {
  const environment = join(folder, 'venv');
  const python = join(environment, ...(isWindows ? ['Scripts', 'python.exe'] : ['bin', 'python']));
  const stamp = join(folder, 'installed.txt');
  if (textOf(stamp) === textOf(requirements)) return python;
  rmSync(stamp, { force: true });
  const system = isWindows ? 'python' : 'python3';
  const pip = [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await step('Making a Python environment', [system, '-m', 'venv', '--clear', environment]);
  await step('Installing Python packages (once, minutes)', [...pip, '-r', requirements]);
  writeFileSync(stamp, textOf(requirements));
  return python;
}

async function step(label, command) {
  const { code, output } = await withProgress(label, () => runQuiet(command));
  if (code !== 0)
    fail(output, `${label}: ended with code ${code}. Is there a Python 3.11 or newer?`);
}
