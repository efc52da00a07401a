import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOCUMENTS } from '../bench/service/documents.js';
import { soak } from '../bench/soak/soak.js';
import { DEMO_FILE } from '../bench/support/demo-kb.js';
import { entityRecord } from '../libs/contract/entity.js';

/**
 * The soak of `npm run bench soak` in a short form: processes are killed under clients that annotate and write, while
 * the KB changes its model. Only what is right or wrong is judged, not how fast it is. Needs the built files.
 */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-soak-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Entities of the demo KB whose names are in the texts that the clients send. */
async function namedEntities(): Promise<string> {
  const lines = (await readFile(DEMO_FILE, 'utf8')).split('\n').filter((line) => line !== '');
  const texts = DOCUMENTS.join('\n');
  const named = lines.filter((line) => {
    const { title, aliases } = entityRecord.parse(JSON.parse(line));
    return [title, ...aliases.map(({ name }) => name)].some((name) => texts.includes(name));
  });
  return named.join('\n');
}

it('answers every request rightly and loses no write while processes are killed with -9 and the model changes', async () => {
  const entitiesFile = join(folder, 'entities.jsonl');
  await writeFile(entitiesFile, await namedEntities());
  const { problems, counts, kills } = await soak({
    ...{ seconds: 12, clients: 3, writers: 2, kills: 2, linkedWithinMs: 60_000 },
    ...{ folder: join(folder, 'soak'), entitiesFile },
  });
  expect(problems).toEqual({});
  expect(kills).toBe(2);
  expect(counts['annotated']).toBeGreaterThan(20);
  expect(counts['writes acknowledged']).toBeGreaterThan(20);
}, 600_000);
