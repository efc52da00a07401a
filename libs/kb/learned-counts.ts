import type { LearnedDocument, LearnedTotals, SurfaceCount } from './kb-store.js';

/** Stands for an entity of none: keys begin at 1. */
export const NIL_KEY = 0;

export interface MentionCount {
  readonly name: string;
  /** NIL_KEY where no entity is meant. */
  readonly key: number;
  readonly count: number;
}

/** How often a page of documents calls which entity by which name. */
export function mentionCounts(page: readonly LearnedDocument[]): MentionCount[] {
  const counts = new Map<string, MentionCount>();
  for (const mention of page.flatMap(({ mentions }) => mentions)) {
    const { name, key } = { name: mention.name, key: mention.key ?? NIL_KEY };
    const pair = `${key} ${name}`;
    counts.set(pair, { name, key, count: (counts.get(pair)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** How often names occur in a page, and how often as mentions. */
export function surfaceCounts(page: readonly LearnedDocument[]): Map<string, SurfaceCount> {
  const counts = new Map<string, SurfaceCount>();
  for (const { name, seen, marked } of page.flatMap(({ surfaces }) => surfaces)) {
    const before = counts.get(name) ?? { seen: 0, marked: 0 };
    counts.set(name, { seen: before.seen + seen, marked: before.marked + marked });
  }
  return counts;
}

/** Of a row (documents, mentions, surfaces). */
export function learnedTotals([documents, mentions, surfaces]: readonly unknown[]): LearnedTotals {
  return {
    documents: Number(documents),
    mentions: Number(mentions),
    surfaces: Number(surfaces),
  };
}
