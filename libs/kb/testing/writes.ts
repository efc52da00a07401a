import type { EntityRecord } from '../../contract/entity.js';
import { contentHash } from '../content-hash.js';
import type { EntityWrite, Expectation, KbStore, WriteReport } from '../kb-store.js';

export const MODEL = 'm1';
export const any = { state: 'any' } satisfies Expectation;

export const put = (record: EntityRecord, expected: Expectation = any): EntityWrite => ({
  id: record.id,
  record,
  expected,
});
export const remove = (id: string, expected: Expectation = any): EntityWrite => ({
  id,
  record: null,
  expected,
});

export async function embed(store: KbStore, records: readonly EntityRecord[]): Promise<void> {
  const vector = new Float32Array([1, 0]);
  const rows = records.map((record) => ({ contentHash: contentHash(record), vector }));
  await store.vectors.put(MODEL, rows);
}

/** Vectors first, as whoever writes has to. */
export async function write(store: KbStore, ...writes: readonly EntityWrite[]): Promise<WriteReport> {
  await embed(
    store,
    writes.flatMap(({ record }) => record ?? []),
  );
  return store.writes.write(writes, { modelVersion: MODEL });
}

export async function keyOf(store: KbStore, id: string): Promise<number> {
  return (await store.entities.byIds([id])).get(id)?.key ?? NaN;
}

export const recordOf = async (store: KbStore, id: string) =>
  (await store.entities.byIds([id])).get(id)?.record;

export const statuses = ({ outcomes }: WriteReport) => outcomes.map(({ status }) => status);

