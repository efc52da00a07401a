import { spawn } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { fail } from './prepare.mjs';
import { root, runQuiet, withProgress } from './run.mjs';

/**
 * Redis and PostgreSQL for tests and benchmarks: found on this machine, or taken from Debian's packages, and started
 * on free ports of loopback with folders of their own.
 */

const EXTRACTED = join(root, 'node_modules', '.cache', 'referent', 'debian');
const START_MS = 30_000;
const isRoot = process.getuid?.() === 0;

/** Makes sure that both programs are there; ends the process, saying what to do, where they cannot be had. */
export async function ensureServices() {
  const missing = [
    ...(redisProgram() === undefined ? ['redis-server'] : []),
    ...(postgresFolder() === undefined ? ['postgresql'] : []),
  ];
  if (missing.length === 0) return;
  await withProgress(`Installing ${missing.join(' and ')} for the tests (once)`, () =>
    install(missing),
  );
  if (redisProgram() === undefined || postgresFolder() === undefined) {
    fail(
      'The tests need redis-server (7 or newer) and PostgreSQL (15 or newer), and they are not to be had here.',
      'Install them (Debian, Ubuntu: apt-get install redis-server postgresql; macOS: brew install redis postgresql) and run the command again.',
    );
  }
}

/** Root installs the packages; anybody else unpacks them under node_modules, which changes nothing of the system. */
async function install(packages) {
  if (process.platform !== 'linux') return { code: 1 };
  // So that installing does not start the services themselves.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  if (isRoot) {
    const command = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages];
    const first = await runQuiet(command, { env });
    if (first.code === 0) return first;
    await runQuiet(['apt-get', 'update']);
    return runQuiet(command, { env });
  }
  return unpack(packages);
}

async function unpack(packages) {
  const listed = await runQuiet(['apt-get', 'install', '-y', '--print-uris', ...packages]);
  const needed = [...listed.output.matchAll(/ ([^ _]+)_[^ ]*\.deb /g)].map(([, name]) => name);
  mkdirSync(EXTRACTED, { recursive: true });
  const script = `cd '${EXTRACTED}' && apt-get download ${needed.join(' ')} && for f in *.deb; do dpkg-deb -x "$f" . && rm "$f"; done`;
  return needed.length === 0 ? { code: 1 } : runQuiet(['sh', '-c', script]);
}

/** Path of redis-server; undefined where there is none. */
export function redisProgram() {
  const folders = [...path(), '/usr/local/bin', '/opt/homebrew/bin', join(EXTRACTED, 'usr', 'bin')];
  return folders.map((folder) => join(folder, 'redis-server')).find(isProgram);
}

/** Folder with initdb and postgres, the newest; undefined where there is none. */
function postgresFolder() {
  const versioned = ['/usr/lib/postgresql', join(EXTRACTED, 'usr', 'lib', 'postgresql')].flatMap(
    (folder) =>
      existsSync(folder)
        ? readdirSync(folder)
            .sort((a, b) => Number(b) - Number(a))
            .map((version) => join(folder, version, 'bin'))
        : [],
  );
  return [...versioned, ...path(), '/opt/homebrew/bin'].find(
    (folder) => isProgram(join(folder, 'initdb')) && isProgram(join(folder, 'postgres')),
  );
}

const path = () => (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A Redis that keeps nothing on disk. `args` are further options, as on its command line. */
export async function startRedis({ args = [] } = {}) {
  const program = redisProgram();
  if (program === undefined) throw new Error('redis-server is not installed: run `npm test` once');
  const folder = mkdtempSync(join(tmpdir(), 'referent-redis-'));
  const port = await freePort();
  const options = ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const command = [program, ...options, '--appendonly', 'no', ...args].map(String);
  return started({
    command,
    folder,
    port,
    url: `redis://127.0.0.1:${port}`,
    stopSignal: 'SIGTERM',
    isUp: () => connects(port),
  });
}

/** A PostgreSQL cluster of its own. PostgreSQL refuses to run as root, so that root runs it as somebody else. */
export async function startPostgres() {
  const programs = postgresFolder();
  if (programs === undefined) throw new Error('PostgreSQL is not installed: run `npm test` once');
  const folder = mkdtempSync(join(tmpdir(), 'referent-postgres-'));
  const user = isRoot ? ordinaryUser() : {};
  if (isRoot) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const init = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C'];
  await finished([join(programs, 'initdb'), ...init, '--no-sync', '--no-instructions'], user);
  const port = await freePort();
  const options = ['-D', data, '-p', port, '-h', '127.0.0.1', '-k', folder];
  const command = [join(programs, 'postgres'), ...options, '-c', 'max_connections=200'].map(String);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return started({
    command,
    folder,
    port,
    url,
    stopSignal: 'SIGINT',
    user,
    isUp: () => selects(url),
  });
}

function ordinaryUser() {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => users.find((user) => user[0] === name));
  const [, , uid, gid] = found.find((user) => user !== undefined) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** A running server: `kill` ends it at once, `start` begins it again on the same port and folder, `stop` removes it. */
async function started({ command, folder, port, url, stopSignal, isUp, user = {} }) {
  let child;
  const begin = () => {
    child = spawn(command[0], command.slice(1), { stdio: 'ignore', env: environment(), ...user });
    child.on('error', () => undefined);
  };
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  /** One that was killed can leave children that hold what the next one needs, for a moment. */
  const start = async () => {
    const until = performance.now() + START_MS;
    for (begin(); !(await isUp()); await sleep(20)) {
      if (performance.now() > until) throw new Error(`${command[0]} did not come up on ${url}`);
      if (hasEnded()) begin();
    }
  };
  const end = async (signal) => {
    if (hasEnded()) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exited;
  };
  const stop = async () => {
    await end(stopSignal);
    rmSync(folder, { recursive: true, force: true });
  };
  // Whatever ends this process, the server does not outlive it.
  process.on('exit', () => child.kill('SIGKILL'));
  await start();
  return {
    url,
    port,
    get pid() {
      return child.pid;
    },
    start,
    kill: (signal = 'SIGKILL') => end(signal),
    stop,
  };
}

/** Libraries that were unpacked beside the programs. */
function environment() {
  if (!existsSync(EXTRACTED)) return process.env;
  const libraries = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib'];
  return {
    ...process.env,
    LD_LIBRARY_PATH: libraries.map((folder) => join(EXTRACTED, folder)).join(delimiter),
  };
}

function connects(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/** It takes connections before it can answer. */
async function selects(connectionString) {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function finished([file, ...args], user) {
  return new Promise((resolve, reject) => {
    let said = '';
    const child = spawn(file, args, { env: environment(), cwd: tmpdir(), ...user });
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${file} ended with code ${code}: ${said}`));
    });
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => {
        resolve(port);
      });
    });
  });
}
