import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of a few bytes, to be filled. */
export interface SmallDisk {
  readonly path: string;
  resize(bytes: number): void;
  remove(): void;
}

/** Needs the right to mount: a test that cannot fill a disk fails rather than passes. */
export function smallDisk(bytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'referent-small-disk-'));
  mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path);
  return {
    path,
    resize: (size) => {
      mount('-o', `remount,size=${size}`, path);
    },
    remove: () => {
      execFileSync('umount', [path]);
      rmdirSync(path);
    },
  };
}

function mount(...args: readonly string[]): void {
  try {
    execFileSync('mount', args, { stdio: 'pipe' });
  } catch (cause) {
    throw new Error(
      'a small tmpfs cannot be mounted to test a full disk: run the tests as root (docker run --cap-add SYS_ADMIN)',
      { cause },
    );
  }
}
