import { expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { sharedPostgres, sharedRedis, startPostgres, startRedis } from './support/services.js';

async function select(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function pinged(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    return await redis.ping();
  } finally {
    redis.disconnect();
  }
}

it('a Redis and a PostgreSQL stand ready for all suites', async () => {
  expect(await pinged(sharedRedis())).toBe('PONG');
  expect(await select(sharedPostgres(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

it('a PostgreSQL that was killed comes back with what it had', async () => {
  const server = await startPostgres();
  try {
    await select(server.url, 'CREATE TABLE kept AS SELECT 7 AS value');
    await server.kill();
    await expect(select(server.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    await server.start();
    expect(await select(server.url, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
  } finally {
    await server.stop();
  }
});

it('a Redis that was killed comes back on its port, empty', async () => {
  const server = await startRedis();
  try {
    const { url } = server;
    await server.kill();
    await server.start();
    expect(server.url).toBe(url);
    expect(await pinged(url)).toBe('PONG');
  } finally {
    await server.stop();
  }
});
