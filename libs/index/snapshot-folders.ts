import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { ReferentError } from '../contract/errors.js';

/** Any build counts as dead when nothing was written for this long: of another machine nothing else can be known. */
const IDLE_BUILD_MS = 24 * 60 * 60 * 1000;
const BUILDING = '.building';
const REMOVED = '.removed';

export interface SnapshotIdentity {
  readonly modelVersion: string;
  readonly kbSequence: number;
}

export function folderName({ modelVersion, kbSequence }: SnapshotIdentity): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(modelVersion) && Number.isSafeInteger(kbSequence)) {
    return `${modelVersion}-${kbSequence}`;
  }
  throw new ReferentError(
    'index-invalid',
    `Model version ${JSON.stringify(modelVersion)} and sequence ${kbSequence} do not make a folder name; ` +
      'a version is of letters, digits, ".", "_" and "-", a sequence a whole number.',
  );
}

export function parseFolderName(name: string): SnapshotIdentity | null {
  const parts = /^([A-Za-z0-9][A-Za-z0-9._-]*)-(\d+)$/.exec(name);
  if (parts?.[1] === undefined) return null;
  return { modelVersion: parts[1], kbSequence: Number(parts[2]) };
}

/**
 * Makes `root/name` out of what `fill` writes: in a folder of another name, renamed when all is on disk, so that the
 * folder is there whole or not at all. One that is already there is replaced.
 */
export async function publishFolder(
  root: string,
  name: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  await mkdir(root, { recursive: true });
  const building = join(root, `${BUILDING}-${hostTag()}-${process.pid}-${randomUUID()}`);
  const target = join(root, name);
  try {
    await mkdir(building);
    await fill(building);
    await syncFolder(building);
    await moveInto(building, target);
    await syncFolder(root);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return target;
}

/** Moves a whole folder into `root`, which is on the same disk, under its own name; one that is there is replaced. */
export async function moveFolderTo(root: string, folder: string): Promise<void> {
  await mkdir(root, { recursive: true });
  await moveInto(folder, join(root, basename(folder)));
  await syncFolder(root);
}

/** Takes a folder out of sight in one step, then deletes it; one that is gone already, or is in use, is left. */
export async function removeFolder(folder: string): Promise<boolean> {
  const removed = join(folder, '..', `${REMOVED}-${randomUUID()}`);
  try {
    await rename(folder, removed);
  } catch (cause) {
    if (['ENOENT', 'EBUSY', 'EPERM', 'EACCES'].includes(codeOf(cause))) return false;
    throw cause;
  }
  await rm(removed, { recursive: true, force: true });
  return true;
}

/** Folders of builds that have died and of removals that were cut short. */
export async function abandonedFolders(root: string): Promise<readonly string[]> {
  const names = await folderNames(root);
  const found: string[] = [];
  for (const name of names) {
    const isLeft = name.startsWith(`${REMOVED}-`) || (await isDeadBuild(join(root, name), name));
    if (isLeft) found.push(join(root, name));
  }
  return found;
}

/** Names of the folders in `root`; none where it does not exist. */
export async function folderNames(root: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return [];
    throw cause;
  }
}

/** A rename does not replace a folder that has content. */
async function moveInto(building: string, target: string): Promise<void> {
  try {
    await rename(building, target);
  } catch (cause) {
    if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'ENOTDIR'].includes(codeOf(cause))) throw cause;
    await removeFolder(target);
    await rename(building, target);
  }
}

async function isDeadBuild(folder: string, name: string): Promise<boolean> {
  const parts = /^\.building-([^-]*)-(\d+)-/.exec(name);
  if (parts === null) return false;
  const writtenAt = await lastWritten(folder);
  if (Date.now() - writtenAt > IDLE_BUILD_MS) return true;
  return parts[1] === hostTag() && hasEnded(Number(parts[2]), writtenAt);
}

/** Process numbers come again, in a container always as 1: what was written before this process began is not its own. */
function hasEnded(pid: number, writtenAt: number): boolean {
  if (pid === process.pid) return writtenAt < Date.now() - process.uptime() * 1000;
  return !isAlive(pid);
}

async function lastWritten(folder: string): Promise<number> {
  const names = await readdir(folder);
  const times = [folder, ...names.map((name) => join(folder, name))].map(async (path) => {
    const { mtimeMs } = await stat(path);
    return mtimeMs;
  });
  return Math.max(...(await Promise.all(times)));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return codeOf(cause) === 'EPERM';
  }
}

/** Without the dashes that part the folder's name. */
function hostTag(): string {
  return hostname().replace(/[^A-Za-z0-9]/g, '');
}

/** Makes new names in a folder durable. Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}
