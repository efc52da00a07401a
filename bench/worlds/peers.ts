import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { contentOf } from './workshop.js';

const recall = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** What `npm run bench:peers` wrote of one world. */
const peerFigures = z.object({
  /** SHA-256 of the sample: figures of other mentions are left out. */
  sample: z.string(),
  mentions: z.number(),
  /** Recall at 1, 10, 64 and 100; null where the method was not asked. */
  miniLm: recall.nullable(),
  charTrigrams: recall.nullable(),
  crossEncoder: z
    .object({
      accuracy: z.number(),
      pairsPerMention: z.number(),
      trainMentions: z.number(),
      trainPairs: z.number(),
    })
    .nullable(),
});

export type PeerFigures = z.output<typeof peerFigures>;

/** null where the peers were never measured on these very mentions. */
export async function peerFiguresOf(file: string, sample: string): Promise<PeerFigures | null> {
  if (!existsSync(file)) return null;
  const figures = peerFigures.parse(JSON.parse(await readFile(file, 'utf8')));
  return figures.sample === (await contentOf(sample)) ? figures : null;
}
