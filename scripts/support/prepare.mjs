import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { nodeTool, root, runQuiet, withProgress } from './run.mjs';

const at = (...parts) => join(root, ...parts);

/** Installs the packages of package-lock.json where they are missing or others; otherwise only compares a hash. */
export async function ensureInstalled() {
  const stamp = at('node_modules', '.referent-installed');
  const wanted = installHash();
  if (textOf(stamp) === wanted) return;
  if (!installedByHand()) await install();
  writeFileSync(stamp, wanted);
}

const installHash = () =>
  createHash('sha256')
    .update(readFileSync(at('package-lock.json')))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex');

/** Whether npm's own record of what it installed says the same as package-lock.json: after `npm install`, `npm ci`. */
function installedByHand() {
  const record = at('node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(textOf(record)).packages;
  const wanted = Object.entries(JSON.parse(textOf(at('package-lock.json'))).packages);
  return wanted.every(([path, { version, optional }]) => {
    const isMissing = installed[path] === undefined;
    // Packages of other platforms are optional and not installed; '' is the project itself.
    return path === '' || (isMissing ? optional === true : installed[path].version === version);
  });
}

async function install() {
  const { code, output } = await withProgress('Installing packages (once, about a minute)', () =>
    runNpm(['ci', '--loglevel=error', '--no-fund', '--no-audit', '--include=dev']),
  );
  if (code === 0) return;
  fail(
    `${output}\nThe packages could not be installed (npm ci ended with code ${code}).`,
    'Check the network and the registry (npm ping), or the message above, then run the command again.',
  );
}

/** npm's own script where npm started us; else `npm` from the path, which is a .cmd file on Windows. */
function runNpm(args) {
  // onnxruntime-node would otherwise fetch CUDA libraries from outside the registry.
  const env = { ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const script = process.env.npm_execpath;
  if (script?.endsWith('.js')) return runQuiet([process.execPath, script, ...args], { env });
  return runQuiet(['npm', ...args], { env, shell: process.platform === 'win32' });
}

const SOURCES = ['apps', 'libs', 'bench'];
const BUILD_SETTINGS = [
  'package-lock.json',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** Builds where a source differs in name, size or time from those of the last build. */
export async function ensureBuilt() {
  const stamp = at('dist', '.referent-built');
  const wanted = sourcesHash();
  if (textOf(stamp) === wanted) return;
  const { code, output } = await withProgress('Building', () =>
    runQuiet(nodeTool('@nestjs/cli/bin/nest.js', 'build')),
  );
  if (code !== 0) fail(output, 'The build failed: see the errors above.');
  mkdirSync(at('dist'), { recursive: true });
  writeFileSync(stamp, wanted);
}

function sourcesHash() {
  const files = [
    ...SOURCES.flatMap((folder) => [...sourcesUnder(at(folder))]),
    ...BUILD_SETTINGS.map((f) => at(f)),
  ];
  const hash = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${relative(root, file)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function* sourcesUnder(folder) {
  if (!existsSync(folder)) return;
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourcesUnder(path);
    else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts')) yield path;
  }
}

export function textOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

export function fail(...lines) {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(1);
}
