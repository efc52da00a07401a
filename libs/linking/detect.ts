import { chunksOf } from './chunks.js';
import { GAZETTEER_CHARS, gazetteerMentions, type KnownNames } from './gazetteer.js';
import { Turn } from './turn.js';
import { properNames } from './proper-names.js';
import type { FoundMention } from './stages.js';

/** Units of text for compromise at a stretch: it takes about 6 ms for 1,000. */
const COMPROMISE_CHARS = 300;

export interface DetectOptions {
  readonly names: KnownNames;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Step 1: text → mentions, by place. Names of the KB (gazetteer) and names that `compromise` sees;
 * overlapping mentions are kept until decide, except what lies within a name of the KB.
 */
export async function detect(text: string, options: DetectOptions): Promise<FoundMention[]> {
  const turn = new Turn(options.signal);
  const mentions: FoundMention[] = [];
  for (const { start, end } of chunksOf(text, GAZETTEER_CHARS)) {
    const piece = text.slice(start, end);
    const known = gazetteerMentions(piece, start, options.names);
    await turn.pass();
    const proper: FoundMention[] = [];
    for (const part of chunksOf(piece, COMPROMISE_CHARS)) {
      proper.push(...properNames(piece.slice(part.start, part.end), start + part.start));
      await turn.pass();
    }
    mentions.push(...united(known, proper));
  }
  return mentions;
}

/** All known names, and the proper names that no known name contains; by place, the longer first. */
function united(known: readonly FoundMention[], proper: readonly FoundMention[]): FoundMention[] {
  const isNew = (name: FoundMention) =>
    !known.some(({ start, end }) => start <= name.start && name.end <= end);
  return [...known, ...proper.filter(isNew)].sort((a, b) => a.start - b.start || b.end - a.end);
}
