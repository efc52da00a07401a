import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readGold } from './gold.js';
import type { MentionSource } from './judge.js';
import { planSample } from './plan.js';

/** Documents with 0, 1, … 9 mentions: 45 in all. */
const documents = Array.from({ length: 10 }, (_, size) => ({
  id: `d${size}`,
  text: 'x'.repeat(size + 1),
  mentions: Array.from({ length: size }, (_, at) => ({ start: at, end: at + 1, entityId: 'e' })),
}));

let file = '';
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-plan-'));
  file = join(folder, 'gold.jsonl');
  await writeFile(file, documents.map((each) => JSON.stringify(each)).join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

async function drawn(
  source: MentionSource,
  limit: number | undefined,
  seed = 1,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const plan = await planSample({ file, source, limit, seed });
  const taken = new Map<string, readonly number[]>();
  for await (const document of readGold(file)) {
    const mentions = plan.take(document);
    if (mentions !== null)
      taken.set(
        document.id,
        mentions.map(({ start }) => start),
      );
  }
  const count = [...taken.values()].reduce((sum, mentions) => sum + mentions.length, 0);
  expect(plan).toMatchObject({ available: 45, mentions: count });
  return taken;
}

describe('samples of a gold file', () => {
  it('hold exactly as many given mentions as asked for, the same for the same seed', async () => {
    const first = await drawn('given', 12);
    expect([...first.values()].flat()).toHaveLength(12);
    expect(await drawn('given', 12)).toEqual(first);
    expect(await drawn('given', 12, 2)).not.toEqual(first);
  });

  it('take whole documents for detected mentions, until they hold enough', async () => {
    const taken = await drawn('detected', 12);
    for (const [id, starts] of taken) expect(starts).toHaveLength(Number(id.slice(1)));
    const count = [...taken.values()].flat().length;
    expect(count).toBeGreaterThanOrEqual(12);
    expect(count).toBeLessThan(12 + 9);
  });

  it('are everything without a limit; an empty document counts for detected mentions only', async () => {
    expect([...(await drawn('given', undefined)).keys()]).toHaveLength(9);
    expect([...(await drawn('detected', 1_000)).keys()]).toHaveLength(10);
  });
});
