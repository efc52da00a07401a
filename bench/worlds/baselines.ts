import type { GoldDocument } from '../../libs/evaluation/gold.js';
import { linesOfFile } from '../../libs/evaluation/lines.js';
import { SqliteCatalog } from '../../libs/kb/sqlite-catalog.js';
import { lexicalQuery } from '../../libs/linking/retrieve.js';
import { normaliseName } from '../../libs/text/normalise.js';
import type { RecallRow } from './v0-figures.js';

/** Two simple methods on mentions whose entity is in the KB. */
export interface Baselines {
  /** Share of mentions whose surface is a name of the right entity and of none before it in the KB's file. */
  readonly exactName: number;
  /** Recall of our own BM25 query alone. */
  readonly bm25: RecallRow;
}

const CUTS = [1, 10, 64, 100] as const;

interface LinkedMention {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly entityId: string;
}

export async function measureBaselines(
  documents: readonly GoldDocument[],
  { dataDir, kb, entities }: { dataDir: string; kb: string; entities: string },
): Promise<Baselines> {
  const mentions = documents.flatMap(({ text, mentions }) =>
    mentions.flatMap(({ start, end, entityId }) =>
      entityId === null ? [] : [{ text, start, end, entityId }],
    ),
  );
  const first = await firstByName(entities);
  const isNamed = ({ text, start, end, entityId }: LinkedMention) =>
    first.get(normaliseName(text.slice(start, end))) === entityId;
  return {
    exactName: mentions.filter(isNamed).length / mentions.length,
    bm25: await bm25Recall(mentions, { dataDir, kb }),
  };
}

/** The first entity of the file with each name. */
async function firstByName(file: string): Promise<ReadonlyMap<string, string>> {
  const first = new Map<string, string>();
  for await (const { text } of linesOfFile(file)) {
    const {
      id,
      title,
      aliases = [],
    } = JSON.parse(text) as {
      id: string;
      title: string;
      aliases?: (string | { name: string })[];
    };
    for (const alias of [title, ...aliases]) {
      const name = normaliseName(typeof alias === 'string' ? alias : alias.name);
      if (!first.has(name)) first.set(name, id);
    }
  }
  return first;
}

async function bm25Recall(
  mentions: readonly LinkedMention[],
  { dataDir, kb }: { dataDir: string; kb: string },
): Promise<RecallRow> {
  const catalog = new SqliteCatalog({ dataDir });
  try {
    const { names, entities } = await catalog.open(kb);
    const gold = await entities.byIds([...new Set(mentions.map(({ entityId }) => entityId))]);
    const ranks: number[] = [];
    for (const mention of mentions) {
      const hits = await names.lexical(lexicalQuery(mention.text, mention), 100);
      ranks.push(hits.findIndex(({ key }) => key === gold.get(mention.entityId)?.key));
    }
    return recallAt(ranks);
  } finally {
    await catalog.close();
  }
}

/** Of ranks from 0; negative is not found. */
export function recallAt(ranks: readonly number[]): RecallRow {
  const [one, ten, many, hundred] = CUTS.map(
    (cut) => ranks.filter((rank) => rank >= 0 && rank < cut).length / ranks.length,
  );
  return [one ?? 0, ten ?? 0, many ?? 0, hundred ?? 0];
}
