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
      REFERENT_CORS_ORIGINS: 'https://example.org/path',
      REFERENT_THREADS: '-1',
    };
    expect(() => parseSettings(bad)).toThrow(/PORT is "70000".*0 to 65535.*3210/);
    expect(() => parseSettings(bad)).toThrow(/REFERENT_LOG_LEVEL is "loud".*silent, error/);
    expect(() => parseSettings(bad)).toThrow(/REFERENT_CORS_ORIGINS is .*such as https:/);
    expect(() => parseSettings(bad)).toThrow(/REFERENT_THREADS is "-1"/);
  });

  it('does not take 1e3, 0x10 or 3.5 for whole numbers', () => {
    for (const PORT of ['1e3', '0x10', '3.5', ' 80', 'NaN']) {
      expect(() => parseSettings({ PORT })).toThrow(/PORT/);
    }
  });

  it('reads lists', () => {
    const settings = parseSettings({
      REFERENT_CORS_ORIGINS: 'https://a.example, http://localhost:5173',
      REFERENT_ALLOWED_HOSTS: 'Linker.example',
    });
    expect(settings.access).toMatchObject({
      corsOrigins: ['https://a.example', 'http://localhost:5173'],
      allowedHosts: ['linker.example'],
    });
  });

  it.each(['example.org', 'https://example.org/', 'https://Example.org', 'null', '', ' , '])(
    'takes %j for no origin',
    (origin) => {
      const parse = () => parseSettings({ REFERENT_CORS_ORIGINS: `${origin},https://a.example` });
      expect(parse).toThrow(/REFERENT_CORS_ORIGINS/);
    },
  );

  it('warns of names that are none', () => {
    const { warnings } = parseSettings({ REFERENT_PROT: '1' });
    expect(warnings).toEqual([expect.stringMatching(/REFERENT_PROT is not a setting/)]);
  });

  it('takes addresses of Redis and PostgreSQL', () => {
    const settings = parseSettings({
      REDIS_URL: 'redis://127.0.0.1:6379/1',
      DATABASE_URL: 'postgres://me:secret@127.0.0.1/referent',
    });
    expect(settings).toMatchObject({
      redisUrl: 'redis://127.0.0.1:6379/1',
      databaseUrl: 'postgres://me:secret@127.0.0.1/referent',
    });
    expect(parseSettings({})).toMatchObject({ redisUrl: null, databaseUrl: null });
  });

  it('never repeats an address that may hold a password', () => {
    const parse = () =>
      parseSettings({ DATABASE_URL: 'mysql://me:secret@db/x', REDIS_URL: 'x:pw' });
    expect(parse).toThrow(/DATABASE_URL: expected an address that begins with postgres:/);
    expect(parse).toThrow(/REDIS_URL: expected/);
    expect(parse).not.toThrow(/secret|pw/);
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
