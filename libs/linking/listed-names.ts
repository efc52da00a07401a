import type { NameTable } from '../kb/kb-store.js';
import { gazetteerMentionsInTurns, type KnownNames } from './gazetteer.js';
import { Turn } from './turn.js';

/**
 * The KB's names that a text could meet, without those that only labelled texts use: the name set of a KB does not tell
 * them apart. A gazetteer that never finds anything asks for every run of words there is.
 */
export async function listedNames(
  text: string,
  {
    names,
    table,
    signal,
  }: { names: KnownNames; table: NameTable; signal?: AbortSignal | undefined },
): Promise<KnownNames> {
  const met = new Set<string>();
  const has = (name: string): boolean => {
    if (names.has(name)) met.add(name);
    return false;
  };
  await gazetteerMentionsInTurns(text, { has }, new Turn(signal));
  const hits = await table.exact([...met]);
  const listed = [...hits].filter(([, ofName]) => ofName.some(({ isListed }) => isListed));
  return new Set(listed.map(([name]) => name));
}
