import type { LearnedTable } from '../kb/kb-store.js';
import { normaliseName } from '../text/normalise.js';
import type { FoundMention } from './stages.js';

/**
 * What labelled texts say of each surface, in one query. Keyphraseness is Mihalcea and Csomai's ("Wikify!", CIKM 2007,
 * section 3): of the occurrences of a phrase the share that is marked.
 */
export async function withKeyphraseness(
  found: readonly FoundMention[],
  learned: LearnedTable,
): Promise<FoundMention[]> {
  const names = found.map(({ surface }) => normaliseName(surface));
  const surfaces = await learned.surfaces(names);
  return found.map((mention, at) => {
    const counts = surfaces.get(names[at] ?? '');
    const keyphraseness =
      counts === undefined || counts.seen === 0
        ? null
        : { marked: counts.marked, seen: counts.seen };
    return { ...mention, keyphraseness };
  });
}
