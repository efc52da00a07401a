import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The script of a tool in node_modules, run with this Node: no shell and no npx between. */
export const nodeTool = (path, ...args) => [process.execPath, `node_modules/${path}`, ...args];

/** Runs a command with our terminal; resolves to its exit code (128 + 2 where Ctrl-C ended it). */
export async function runLive([file, ...args], env = {}) {
  const child = spawn(file, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  return codeOf(child);
}

/** The same, and `hear` gets each line of its stdout. */
export async function runHeard([file, ...args], hear) {
  const child = spawn(file, args, { cwd: root, stdio: ['inherit', 'pipe', 'inherit'] });
  child.stdout.pipe(process.stdout, { end: false });
  createInterface({ input: child.stdout }).on('line', hear);
  return codeOf(child);
}

async function codeOf(child) {
  // The terminal sends Ctrl-C to the child as well; we wait for its word instead of dying first.
  const ignore = () => undefined;
  const pass = () => child.kill('SIGTERM');
  process.on('SIGINT', ignore).on('SIGTERM', pass);
  const [code, signal] = await once(child, 'close');
  process.off('SIGINT', ignore).off('SIGTERM', pass);
  return code ?? (signal === 'SIGINT' ? 130 : 1);
}

/** Runs a command in silence; resolves to its exit code and everything it said. */
export async function runQuiet([file, ...args], { env = {}, shell = false } = {}) {
  const child = spawn(file, args, {
    cwd: root,
    shell,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  const keep = (chunk) => {
    output += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const code = await new Promise((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
    child.on('error', (error) => {
      output += `${error.message}\n`;
      resolve(1);
    });
  });
  return { code, output };
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * One line for something that takes a while: it counts seconds on a terminal, and is written once when the thing
 * is done elsewhere. Resolves to what `work` resolves to; a failed result (`code` not 0) is marked.
 */
export async function withProgress(label, work) {
  const since = performance.now();
  const { stderr } = process;
  const draw = () => stderr.write(`\r\u001b[2K… ${label} ${seconds(since)}`);
  const timer = stderr.isTTY ? setInterval(draw, 200) : undefined;
  if (!stderr.isTTY) stderr.write(`… ${label}\n`);
  try {
    const result = await work();
    clearInterval(timer);
    const mark = result.code === 0 ? '✓' : '✗';
    stderr.write(`${stderr.isTTY ? '\r\u001b[2K' : ''}${mark} ${label} (${seconds(since)})\n`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
