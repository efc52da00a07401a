import { readGold, type GoldDocument, type GoldMention } from './gold.js';
import type { MentionSource } from './judge.js';
import { sampleOrdinals, shuffledOrdinals } from './sample.js';

export interface PlanOptions {
  readonly file: string;
  readonly source: MentionSource;
  /** Mentions to draw; all where undefined. */
  readonly limit: number | undefined;
  readonly seed: number;
}

/** Which mentions of a gold file are looked at. */
export interface Plan {
  /** Gold mentions in the file. */
  readonly available: number;
  /** Gold mentions drawn. */
  readonly mentions: number;
  /** The drawn mentions of a document; null where the document is left out. Called in the file's order. */
  readonly take: (document: GoldDocument) => readonly GoldMention[] | null;
}

/**
 * Reads the file once and draws a sample: mentions for given spans; for detected ones whole documents, in a random
 * order until they hold as many mentions, since an answer can only be judged against all of a document's gold.
 */
export async function planSample(options: PlanOptions): Promise<Plan> {
  const sizes: number[] = [];
  for await (const { mentions } of readGold(options.file)) sizes.push(mentions.length);
  const available = sizes.reduce((sum, size) => sum + size, 0);
  const limit = options.limit ?? available;
  if (limit >= available) return { available, mentions: available, take: takeAll(options.source) };
  return options.source === 'given'
    ? sampleOfMentions(available, limit, options.seed)
    : sampleOfDocuments(sizes, available, limit, options.seed);
}

/** A document without a gold mention says nothing about given spans, but much about detected ones. */
const takeAll =
  (source: MentionSource): Plan['take'] =>
  ({ mentions }) =>
    source === 'given' && mentions.length === 0 ? null : mentions;

function sampleOfMentions(available: number, limit: number, seed: number): Plan {
  const chosen = sampleOrdinals(available, limit, seed);
  let ordinal = 0;
  return {
    available,
    mentions: limit,
    take: ({ mentions }) => {
      const first = ordinal;
      ordinal += mentions.length;
      const taken = mentions.filter((_, at) => chosen.has(first + at));
      return taken.length === 0 ? null : taken;
    },
  };
}

function sampleOfDocuments(
  sizes: readonly number[],
  available: number,
  limit: number,
  seed: number,
): Plan {
  const chosen = new Set<number>();
  let mentions = 0;
  for (const document of shuffledOrdinals(sizes.length, seed)) {
    if (mentions >= limit) break;
    chosen.add(document);
    mentions += sizes[document] ?? 0;
  }
  let ordinal = -1;
  return {
    available,
    mentions,
    take: (document) => (chosen.has((ordinal += 1)) ? document.mentions : null),
  };
}
