import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres, type Service } from '../../test/support/services.js';
import { ReferentError } from '../contract/errors.js';
import { contentHash } from './content-hash.js';
import type { KbStore } from './kb-store.js';
import { PostgresCatalog } from './postgres-catalog.js';
import { entity, importAll } from './testing/records.js';

let server: Service;
let dataDir: string;
let catalog: PostgresCatalog;

beforeAll(async () => {
  server = await startPostgres();
  dataDir = mkdtempSync(join(tmpdir(), 'referent-restart-'));
  catalog = new PostgresCatalog({ databaseUrl: server.url, dataDir });
}, 60_000);
afterAll(async () => {
  await catalog.close();
  await server.stop();
  rmSync(dataDir, { recursive: true });
});

/** What went wrong meanwhile, by code; anything that has none is a fault of ours. */
class Errors {
  readonly codes = new Map<string, number>();

  add(error: unknown): void {
    if (!(error instanceof ReferentError)) throw error;
    this.codes.set(error.code, (this.codes.get(error.code) ?? 0) + 1);
  }
}

async function writeUntil(
  store: KbStore,
  stop: () => boolean,
  { name, errors }: { readonly name: string; readonly errors: Errors },
): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let at = 0; !stop(); at++) {
    const record = entity({ id: `${name}-${at}` });
    try {
      const row = { contentHash: contentHash(record), vector: new Float32Array([at]) };
      await store.vectors.put('m', [row]);
      const write = { id: record.id, record, expected: { state: 'any' } as const };
      await store.writes.write([write], { modelVersion: 'm' });
      acknowledged.push(record.id);
    } catch (error) {
      errors.add(error);
      await sleep(20);
    }
  }
  return acknowledged;
}

async function readUntil(store: KbStore, stop: () => boolean, errors: Errors): Promise<number> {
  let reads = 0;
  while (!stop()) {
    try {
      await store.names.exact(['first']);
      await store.names.lexical({ mention: ['first'], context: [] }, 5);
      await catalog.list();
      reads++;
      await sleep(5);
    } catch (error) {
      errors.add(error);
      await sleep(20);
    }
  }
  return reads;
}

it.each([
  ['killed', 'SIGKILL'],
  ['stopped in good order', 'SIGINT'],
] as const)(
  'loses nothing that was acknowledged, and goes on, where PostgreSQL is %s and started again',
  async (_how, signal) => {
    const store = await catalog.openOrCreate('demo');
    await importAll(store, [entity({ id: 'first' })]);
    const errors = new Errors();
    let isOver = false;
    const stop = () => isOver;
    const working = Promise.all([
      ...['a', 'b', 'c', 'd'].map((name) =>
        writeUntil(store, stop, { name: `${name}${signal}`, errors }),
      ),
    ]);
    const reading = readUntil(store, stop, errors);
    for (let round = 0; round < 2; round++) {
      await sleep(700);
      await server.kill(signal);
      await sleep(500);
      await server.start();
    }
    const failedBefore = new Map(errors.codes);
    await sleep(1_000);
    isOver = true;
    const acknowledged = (await working).flat();
    expect(await reading).toBeGreaterThan(5);
    expect([...failedBefore.keys()]).toEqual(['not-ready']);
    expect(acknowledged.length).toBeGreaterThan(20);
    const found = await store.entities.byIds(acknowledged);
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
    const { sequence } = await store.info();
    const changes = await store.changesSince(0, 1e6);
    expect(changes.length).toBeLessThanOrEqual(sequence);
    for await (const { problems } of store.check.run()) expect(problems).toEqual([]);
    expect(await importAll(store, [entity({ id: `after ${signal}` })])).toMatchObject({ added: 1 });
  },
  60_000,
);
