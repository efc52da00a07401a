import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyFile } from '../libs/access/key-file.js';
import { ReferentProcess } from './support/referent-process.js';

let folder: string;
let referent: ReferentProcess;
let file: KeyFile;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referent-keys-'));
  referent = new ReferentProcess({ REFERENT_DATA_DIR: folder });
  file = new KeyFile(join(folder, 'api-keys.json'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

it('prints the key alone, once, and never again', async () => {
  const added = await referent.run('keys', 'add', '--role', 'annotate', '--name', 'shop');
  expect(added.stdout).toMatch(/^rk_[\w-]{43}\n$/);
  const listed = await referent.run('keys', 'list');
  expect(listed.stdout).toMatch(/shop +[0-9a-f]{8} +annotate/);
  expect(listed.stdout).not.toContain(added.stdout.trim());
});

it('loses none of the keys that are added at once', async () => {
  const names = Array.from({ length: 12 }, (_, at) => `key-${at}`);
  const added = await Promise.all(
    names.map((name) => referent.run('keys', 'add', '--role', 'annotate', '--name', name)),
  );
  expect(added.map(({ code }) => code)).toEqual(names.map(() => 0));
  expect((file.read() ?? []).map(({ name }) => name).sort()).toEqual([...names].sort());
}, 120_000);

it('is whole and takes the next key whenever a writer is killed', async () => {
  file.add('admin', 'first');
  for (let at = 0; at < 8; at += 1) {
    const { child, ended } = referent.start('keys', 'add', '--role', 'annotate');
    setTimeout(() => child.kill('SIGKILL'), 100 + 60 * at);
    await ended;
    expect((file.read() ?? []).some(({ name }) => name === 'first')).toBe(true);
  }
  expect((await referent.run('keys', 'add', '--role', 'annotate', '--name', 'last')).code).toBe(0);
  expect((file.read() ?? []).some(({ name }) => name === 'last')).toBe(true);
}, 120_000);
