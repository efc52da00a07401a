import nlp from 'compromise/two';
import { splitsSurrogatePair } from '../text/offsets.js';
import type { Span } from '../text/span.js';
import { chunksOf } from './chunks.js';
import type { Turn } from './turn.js';

/** Units of text that compromise reads at a stretch, in about 2 ms. */
const COMPROMISE_CHARS = 300;
const NAME_TAGS = ['ProperNoun', 'Person', 'Place', 'Organization', 'Acronym'];
const NEVER_TAGS = ['Pronoun', 'Date', 'Value', 'Determiner', 'Conjunction'];
/** Lower-case words inside names: "University of Oxford", "Simón de Bolívar". */
const INNER_WORDS = new Set([
  'of',
  'de',
  'del',
  'della',
  'di',
  'du',
  'van',
  'von',
  'der',
  'la',
  'al',
  'bin',
]);
const HAS_CAPITAL = /\p{Lu}/u;
/** Two letters or digits and nothing that is no text: control characters, lone surrogates. */
const NAME_LIKE = /^(?=.*[\p{L}\p{N}].*[\p{L}\p{N}])[^\p{Cc}\p{Cs}]*$/su;
const POSSESSIVE = /['’]s?$/u;
/** After this between two words a name does not go on. */
const BREAK = /[,;:!?()[\]{}"“”«»/|–—\n\r]|\s-\s/u;
const ABBREVIATION_TAGS = ['Abbreviation', 'Honorific', 'Acronym'];
/** How far compromise's own white space may be off before a term is given up. */
const SLACK = 8;

type NlpTerm = ReturnType<typeof nlp>['document'][number][number];

interface Term extends Span {
  readonly spelling: string;
  readonly tags: ReadonlySet<string>;
}

/** Proper names in a text of any length, by place, in turns. */
export async function properNamesInTurns(text: string, turn: Turn): Promise<Span[]> {
  const spans: Span[] = [];
  for (const { start, end } of chunksOf(text, COMPROMISE_CHARS)) {
    spans.push(...properNames(text.slice(start, end), start));
    await turn.pass();
  }
  return spans;
}

/**
 * People, places, organisations, acronyms and other runs of proper nouns that `compromise` sees in a
 * piece of text of a sentence or a few. Its own offsets are not used: each term is looked up in the text
 * where it must stand and left out where it does not. Offsets are of `text`, moved by `offset`.
 */
export function properNames(text: string, offset: number): Span[] {
  return nlp(text)
    .document.flatMap((sentence) => sentence)
    .reduce(locator(text), [])
    .reduce(runs(text), [])
    .flatMap((run) => nameOf(text, run))
    .map(({ start, end }) => ({ start: start + offset, end: end + offset }));
}

function locator(text: string): (found: Term[], term: NlpTerm) => Term[] {
  let from = 0;
  return (found, term) => {
    const start = term.text === '' ? -1 : text.indexOf(term.text, from);
    if (start < 0 || start > from + term.pre.length + SLACK) return found;
    const end = start + term.text.length;
    from = end + term.post.length;
    found.push({ start, end, spelling: term.text, tags: term.tags ?? new Set() });
    return found;
  };
}

/** Groups neighbouring terms that belong to one name. */
function runs(text: string): (groups: Term[][], term: Term) => Term[][] {
  return (groups, term) => {
    const run = groups.at(-1);
    const previous = run?.at(-1);
    if (!isNameTerm(term) && !isInner(term, previous)) {
      if (run === undefined || run.length > 0) groups.push([]);
      return groups;
    }
    if (run === undefined || breaks(text, previous, term))
      groups.push(isNameTerm(term) ? [term] : []);
    else run.push(term);
    return groups;
  };
}

/** Whether what stands between two terms parts them: a full stop does, unless it belongs to an abbreviation. */
function breaks(text: string, previous: Term | undefined, term: Term): boolean {
  if (previous === undefined) return false;
  const gap = text.slice(previous.end, term.start);
  const isAbbreviation =
    previous.spelling.length === 1 || ABBREVIATION_TAGS.some((tag) => previous.tags.has(tag));
  return BREAK.test(gap) || (gap.includes('.') && !isAbbreviation);
}

function isNameTerm({ tags, spelling }: Term): boolean {
  return (
    HAS_CAPITAL.test(spelling) &&
    NAME_TAGS.some((tag) => tags.has(tag)) &&
    !NEVER_TAGS.some((tag) => tags.has(tag))
  );
}

function isInner(term: Term, previous: Term | undefined): boolean {
  return previous !== undefined && INNER_WORDS.has(term.spelling);
}

/** The run's span without a title before ("Mr"), inner words at its end, and a possessive ending. */
function nameOf(text: string, run: readonly Term[]): Span[] {
  const last = run.findLastIndex(isNameTerm);
  const first = run.findIndex((term, at) => at === last || !term.tags.has('Honorific'));
  const [from, to] = [run[first], run[last]];
  if (from === undefined || to === undefined) return [];
  const end = to.end - (POSSESSIVE.exec(to.spelling)?.[0].length ?? 0);
  const span = { start: from.start, end };
  return isSound(text, span) ? [span] : [];
}

function isSound(text: string, { start, end }: Span): boolean {
  if (end <= start || splitsSurrogatePair(text, start) || splitsSurrogatePair(text, end))
    return false;
  return NAME_LIKE.test(text.slice(start, end));
}
