import type { NameTable } from '../kb/kb-store.js';
import { gazetteerMentionsInTurns, type KnownName, type KnownNames } from './gazetteer.js';
import type { Turn } from './turn.js';

/** Who knows which names some entity has now. */
export type NamesNow = Pick<NameTable, 'present'>;

/**
 * The KB's names in a text, none that it has no more. The name set that finds them cannot lose a name; so those met are
 * looked up, in one query, and a text in which one is gone is looked through again without it: it may have hidden a
 * shorter one.
 */
export async function presentNames(
  text: string,
  { names, now, turn }: { names: KnownNames; now: NamesNow | undefined; turn: Turn },
): Promise<KnownName[]> {
  const gone = new Set<string>();
  for (;;) {
    const met = new Set<string>();
    const has = (name: string): boolean => {
      const isKnown = !gone.has(name) && names.has(name);
      if (isKnown) met.add(name);
      return isKnown;
    };
    const found = await gazetteerMentionsInTurns(text, { has }, turn);
    if (now === undefined || met.size === 0) return found;
    const present = await now.present([...met]);
    const missing = [...met].filter((name) => !present.has(name));
    if (missing.length === 0) return found;
    for (const name of missing) gone.add(name);
  }
}
