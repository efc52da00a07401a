import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readGold, type GoldDocument } from './gold.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-gold-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(...lines: readonly unknown[]): Promise<GoldDocument[]> {
  const path = join(folder, 'gold.jsonl');
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  await writeFile(path, text.join('\n'));
  const documents: GoldDocument[] = [];
  for await (const document of readGold(path)) documents.push(document);
  return documents;
}

const document = (mention: object): object => ({
  id: 'd1',
  text: '🙂 Java runs',
  mentions: [mention],
});

describe('gold files', () => {
  it('reads documents with linked and NIL mentions', async () => {
    const linked = { start: 3, end: 7, text: 'Java', entityId: 'java' };
    const nil = { start: 8, end: 12, text: 'runs', entityId: null };
    const documents = await read(document(linked), document(nil));
    expect(documents.map((each) => each.mentions[0]?.entityId)).toEqual(['java', null]);
  });

  it('refuses offsets that count code points, naming the line', async () => {
    const wrong = { start: 2, end: 6, text: 'Java', entityId: 'java' };
    await expect(read(document({ ...wrong, start: 3, end: 7 }), document(wrong))).rejects.toThrow(
      /line 2: mention 2-6 reads " Jav", not "Java": offsets must be UTF-16 units/,
    );
  });

  it('refuses spans outside the text and reversed ones', async () => {
    await expect(read(document({ start: 3, end: 99, entityId: null }))).rejects.toThrow(/outside/);
    await expect(read(document({ start: 7, end: 3, entityId: null }))).rejects.toThrow(/reversed/);
  });

  it('refuses what is not JSON and what lacks a field', async () => {
    await expect(read('{"id":')).rejects.toThrow(/line 1: /);
    await expect(read({ id: 'd', text: 't' })).rejects.toThrow(/line 1: mentions: /);
  });
});
