import { randomUUID } from 'node:crypto';

export { startPostgres, startRedis, type Service } from '../../scripts/support/services.mjs';

function given(name: string): string {
  const url = process.env[name];
  if (url === undefined)
    throw new Error(`${name} is not set: Jest's globalSetup starts the servers`);
  return url;
}

/** The Redis that all suites share; each uses a prefix of its own. */
export const sharedRedis = (): string => given('TEST_REDIS_URL');

/** A superuser's address at the PostgreSQL that all suites share; each makes a database of its own. */
export const sharedPostgres = (): string => given('TEST_POSTGRES_URL');

/** A name that no other suite uses, for prefixes and databases. */
export const uniqueName = (): string => `t_${randomUUID().replaceAll('-', '')}`;
