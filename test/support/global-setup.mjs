import { ensureServices, startPostgres, startRedis } from '../../scripts/support/services.mjs';

/** One Redis and one PostgreSQL for all suites; suites that end servers start their own (test/support/services.ts). */
export default async function setup() {
  await ensureServices();
  const redis = await startRedis();
  globalThis.referentServices = [redis];
  const postgres = await startPostgres().catch(async (error) => {
    await redis.stop();
    throw error;
  });
  globalThis.referentServices.push(postgres);
  process.env.TEST_REDIS_URL = redis.url;
  process.env.TEST_POSTGRES_URL = postgres.url;
}
