import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findKey } from './api-key.js';
import { KeyFile } from './key-file.js';

let folder: string;
let file: KeyFile;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referent-keys-'));
  file = new KeyFile(join(folder, 'api-keys.json'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

it('has no keys, and is no file, before the first is added', () => {
  expect(file.read()).toBeNull();
});

it('finds an added key by its secret, and no other secret', () => {
  const { secret, stored } = file.add('admin', 'me');
  const keys = file.read() ?? [];
  expect(findKey(keys, secret)).toEqual(stored);
  const last = secret.endsWith('A') ? 'B' : 'A';
  for (const wrong of [
    '',
    'rk_',
    secret.slice(0, -1),
    `${secret.slice(0, -1)}${last}`,
    `${secret}A`,
    ` ${secret}`,
    secret.toUpperCase(),
    stored.sha256,
  ]) {
    expect(findKey(keys, wrong)).toBeUndefined();
  }
});

it('keeps no secret, and lets nobody else read', () => {
  const { secret } = file.add('annotate');
  expect(readFileSync(file.path, 'utf8')).not.toContain(secret.slice(3));
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
});

it('gives every key 256 bits of its own', () => {
  const secrets = new Set(Array.from({ length: 50 }, () => file.add('annotate').secret));
  expect(secrets.size).toBe(50);
  for (const secret of secrets) expect(secret).toMatch(/^rk_[\w-]{43}$/);
});

it('revokes by name and by id, and keeps the others', () => {
  const one = file.add('annotate', 'one');
  const two = file.add('annotate', 'two');
  file.add('admin', 'three');
  expect(file.revoke('one')).toMatchObject({ revoked: one.stored, left: 2 });
  expect(file.revoke(two.stored.id)).toMatchObject({ left: 1 });
  expect(file.read()?.map(({ name }) => name)).toEqual(['three']);
});

it('is a file without keys after the last was revoked, not no file', () => {
  file.add('annotate', 'one');
  expect(file.revoke('one').left).toBe(0);
  expect(file.read()).toEqual([]);
});

it('refuses a name that is taken, as a name or as an id', () => {
  const { stored } = file.add('annotate', 'one');
  expect(() => file.add('admin', 'one')).toThrow(/a key one already/);
  expect(() => file.add('admin', stored.id)).toThrow(/already/);
  expect(() => file.revoke('nobody')).toThrow(/no key "nobody"/);
});

it.each([
  '',
  '{',
  '[]',
  '{"version":2,"keys":[]}',
  '{"version":1,"keys":[{"id":"x"}]}',
  '{"version":1}',
])('refuses the damaged file %j, and does not write over it', (text) => {
  writeFileSync(file.path, text);
  expect(() => file.read()).toThrow(/cannot be read/);
  expect(() => file.add('admin')).toThrow(/cannot be read/);
  expect(readFileSync(file.path, 'utf8')).toBe(text);
});

it('takes no notice of what a killed writer left beside it', () => {
  writeFileSync(`${file.path}.new`, '{"version":1,"ke');
  chmodSync(`${file.path}.new`, 0o644);
  file.add('admin', 'me');
  expect(file.read()).toHaveLength(1);
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
  expect(existsSync(`${file.path}.new`)).toBe(false);
});

it('says what to do where it cannot be written, and changes nothing', () => {
  const { secret } = file.add('annotate', 'one');
  mkdirSync(`${file.path}.new`);
  expect(() => file.add('admin')).toThrow(/cannot be written/);
  expect(findKey(file.read() ?? [], secret)?.name).toBe('one');
});

it('names the file whose folder is none', () => {
  const nowhere = new KeyFile('/dev/null/api-keys.json');
  expect(() => nowhere.read()).toThrow(/\/dev\/null\/api-keys\.json cannot be read/);
});
