import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyFile } from './key-file.js';
import { KeyRing } from './key-ring.js';

let folder: string;
let file: KeyFile;
let ring: KeyRing | undefined;
let errors: unknown[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referent-keys-'));
  file = new KeyFile(join(folder, 'api-keys.json'));
  errors = [];
});
afterEach(() => {
  ring?.close();
  rmSync(folder, { recursive: true });
});

/** A ring that looks every 5 ms. */
function follow(): KeyRing {
  ring = KeyRing.open(file, { info: () => undefined, error: (error) => errors.push(error) });
  ring.follow(5);
  return ring;
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 2_000;
  while (!isSo() && performance.now() < end) await sleep(5);
  expect(isSo()).toBe(true);
}

it('is open without a file', () => {
  expect(follow()).toMatchObject({ isClosed: false, size: 0 });
});

it('closes when the first key is added, and knows its owner', async () => {
  const keys = follow();
  const { secret } = file.add('annotate', 'one');
  await until(() => keys.isClosed);
  expect(keys.owner(secret)).toMatchObject({ name: 'one', role: 'annotate' });
});

it('forgets a revoked key, and stays closed without any', async () => {
  const { secret } = file.add('admin', 'one');
  const keys = follow();
  expect(keys.owner(secret)).toBeDefined();
  file.revoke('one');
  await until(() => keys.owner(secret) === undefined);
  expect(keys).toMatchObject({ isClosed: true, size: 0 });
});

it.each([
  ['damaged', '{"version":1'],
  ['emptied', ''],
])('keeps the last good keys when the file is %s, and says so once', async (_what, text) => {
  const { secret } = file.add('admin', 'one');
  const keys = follow();
  writeFileSync(file.path, text);
  await until(() => errors.length > 0);
  await sleep(50);
  expect(errors).toHaveLength(1);
  expect(keys.isClosed).toBe(true);
  expect(keys.owner(secret)).toBeDefined();
});

it('keeps the last good keys when the file is removed', async () => {
  const { secret } = file.add('admin', 'one');
  const keys = follow();
  rmSync(file.path);
  await until(() => errors.length > 0);
  expect(keys.isClosed).toBe(true);
  expect(keys.owner(secret)).toBeDefined();
});

it('takes a repaired file again', async () => {
  file.add('admin', 'one');
  const keys = follow();
  writeFileSync(file.path, 'oops');
  await until(() => errors.length > 0);
  rmSync(file.path);
  const { secret } = file.add('admin', 'two');
  await until(() => keys.owner(secret) !== undefined);
});

it('closes where the first file that appears is damaged', async () => {
  const keys = follow();
  writeFileSync(file.path, 'oops');
  await until(() => keys.isClosed);
  expect(keys.size).toBe(0);
});

it('does not open over a damaged file', () => {
  writeFileSync(file.path, 'oops');
  expect(() => follow()).toThrow(/api-keys\.json cannot be read/);
});
