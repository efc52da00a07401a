import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isLoopback } from './loopback.js';
import { packageRoot, packageVersion } from './package-root.js';
import { parseSettings } from './settings.js';

describe('parseSettings', () => {
  it('has a default for everything', () => {
    const settings = parseSettings({});
    expect(settings).toMatchObject({
      port: 3210,
      host: '127.0.0.1',
      defaultKb: null,
      warnings: [],
    });
    expect(settings.modelDir).toBe(join(packageRoot(), 'models', 'referent-v1'));
    expect(settings.dataDir).toBe(join(packageRoot(), '.referent'));
  });

  it('reads values, and counts an empty one as unset', () => {
    const settings = parseSettings({ PORT: '0', REFERENT_MAX_MENTIONS: '5', REFERENT_HOST: '' });
    expect(settings).toMatchObject({ port: 0, host: '127.0.0.1', limits: { maxMentions: 5 } });
  });

  it('lists all bad keys at once with value, limit and default', () => {
    const bad = {
      PORT: '70000',
      REFERENT_LOG_LEVEL: 'loud',
      REFERENT_HOST: '0.0.0.0',
      REFERENT_THREADS: '-1',
    };
    expect(() => parseSettings(bad)).toThrow(/PORT is "70000".*0 to 65535.*3210/);
    expect(() => parseSettings(bad)).toThrow(/REFERENT_LOG_LEVEL is "loud".*silent, error/);
    expect(() => parseSettings(bad)).toThrow(/REFERENT_HOST is "0.0.0.0".*no API keys/);
    expect(() => parseSettings(bad)).toThrow(/REFERENT_THREADS is "-1"/);
  });

  it('does not take 1e3, 0x10 or 3.5 for whole numbers', () => {
    for (const PORT of ['1e3', '0x10', '3.5', ' 80', 'NaN']) {
      expect(() => parseSettings({ PORT })).toThrow(/PORT/);
    }
  });

  it('binds beyond loopback only when told that this is wanted, and warns', () => {
    const settings = parseSettings({ REFERENT_HOST: '0.0.0.0', REFERENT_ALLOW_PUBLIC: '1' });
    expect(settings.host).toBe('0.0.0.0');
    expect(settings.warnings.join()).toMatch(/Anyone who reaches this port/);
  });

  it('warns of names that are reserved and of names that are none', () => {
    const { warnings } = parseSettings({
      REDIS_URL: 'redis://x',
      DATABASE_URL: 'pg',
      REFERENT_PROT: '1',
    });
    expect(warnings).toHaveLength(3);
    expect(warnings.join('\n')).toMatch(
      /REDIS_URL is set[^]*DATABASE_URL is set[^]*REFERENT_PROT is not a setting/,
    );
  });

  it('never repeats a value of a reserved name: it may hold a password', () => {
    const { warnings } = parseSettings({ DATABASE_URL: 'postgres://me:secret@db/x' });
    expect(warnings.join()).not.toContain('secret');
  });
});

describe('packageRoot', () => {
  it('has package.json', () => {
    expect(existsSync(join(packageRoot(), 'package.json'))).toBe(true);
    expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'LOCALHOST'])('%s is', (host) => {
    expect(isLoopback(host)).toBe(true);
  });
  it.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', '127.example.com', ''])(
    '%j is not',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
