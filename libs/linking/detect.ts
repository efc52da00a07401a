import { chunksOf } from './chunks.js';
import { gazetteerMentions, type KnownNames } from './gazetteer.js';
import { Turn } from './turn.js';
import { properNames } from './proper-names.js';
import type { Mention } from './stages.js';

/** Units of text that the gazetteer looks through at a stretch: well under a millisecond. */
const GAZETTEER_CHARS = 2_000;
/** The same for compromise, which takes about 6 ms for 1,000 units. */
const COMPROMISE_CHARS = 300;

export interface DetectOptions {
  readonly names: KnownNames;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Step 1: text → mentions, by place. Names of the KB (gazetteer) and names that `compromise` sees;
 * overlapping mentions are kept until decide, except what lies within a name of the KB.
 */
export async function detect(text: string, options: DetectOptions): Promise<Mention[]> {
  const turn = new Turn(options.signal);
  const mentions: Mention[] = [];
  for (const { start, end } of chunksOf(text, GAZETTEER_CHARS)) {
    const piece = text.slice(start, end);
    const known = gazetteerMentions(piece, start, options.names);
    await turn.pass();
    const proper: Mention[] = [];
    for (const part of chunksOf(piece, COMPROMISE_CHARS)) {
      proper.push(...properNames(piece.slice(part.start, part.end), start + part.start));
      await turn.pass();
    }
    mentions.push(...united(known, proper));
  }
  return mentions;
}

/** All known names, and the proper names that no known name contains; by place, the longer first. */
function united(known: readonly Mention[], proper: readonly Mention[]): Mention[] {
  const isNew = (name: Mention) =>
    !known.some(({ start, end }) => start <= name.start && name.end <= end);
  return [...known, ...proper.filter(isNew)].sort((a, b) => a.start - b.start || b.end - a.end);
}
