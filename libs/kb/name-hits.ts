import { isTitleRank, priorsOf } from './entity-names.js';
import type { NameHit } from './kb-store.js';
import { NIL_KEY } from './learned-counts.js';

/** An entity with that name; `count` null where no labelled text calls it so. Rows come by name, then by rank. */
export type ListedRow = readonly [
  name: string,
  rank: number,
  key: number,
  weight: number | null,
  count: number | null,
];

/** An entity (0: none) that labelled texts call so. Rows come by name, then by falling count. */
export type LearnedRow = readonly [name: string, key: number, count: number, total: number];

/** What is found under each name: what is listed under it and what is only learned, the most often meant first. */
export function nameHits(
  listed: readonly ListedRow[],
  learned: readonly LearnedRow[],
): Map<string, readonly NameHit[]> {
  const listedUnder = groupedByName(listed);
  const learnedUnder = groupedByName(learned);
  const names = new Set([...listedUnder.keys(), ...learnedUnder.keys()]);
  const hits = Array.from(names, (name): [string, NameHit[]] => [
    name,
    hitsOf(listedUnder.get(name) ?? [], learnedUnder.get(name) ?? []),
  ]);
  return new Map(hits.filter(([, ofName]) => ofName.length > 0));
}

function groupedByName<R extends readonly [name: string, ...unknown[]]>(
  rows: readonly R[],
): Map<string, R[]> {
  const byName = new Map<string, R[]>();
  for (const row of rows) {
    const group = byName.get(row[0]);
    if (group === undefined) byName.set(row[0], [row]);
    else group.push(row);
  }
  return byName;
}

function hitsOf(listed: readonly ListedRow[], learned: readonly LearnedRow[]): NameHit[] {
  const total = learned[0]?.[3];
  const isElsewhere = new Set(listed.map(([, , key]) => key)).add(NIL_KEY);
  const onlyLearned = learned.filter(([, key]) => !isElsewhere.has(key));
  const hits = [...listedHits(listed, total), ...onlyLearned.map(learnedHit)];
  // A stable sort: among equals the order they came in.
  return hits.sort((a, b) => (b.learned?.count ?? 0) - (a.learned?.count ?? 0));
}

function listedHits(listed: readonly ListedRow[], total: number | undefined): NameHit[] {
  const priors = priorsOf(listed.map(([, , , weight]) => weight));
  return listed.map(([, rank, key, , count], at) => ({
    key,
    isTitle: isTitleRank(rank),
    isListed: true,
    prior: priors[at] ?? null,
    learned: total === undefined ? null : { count: count ?? 0, total },
  }));
}

function learnedHit([, key, count, total]: LearnedRow): NameHit {
  return { key, isTitle: false, isListed: false, prior: null, learned: { count, total } };
}
