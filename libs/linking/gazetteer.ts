import { baseForms, normaliseName } from '../text/normalise.js';
import type { Span } from '../text/span.js';
import { wordSpans } from '../text/words.js';
import { chunksOf, sentenceEnds } from './chunks.js';
import { canBeName, surfaceForm, type SurfaceForm, type SurfaceWord } from './surface-form.js';
import { Turn } from './turn.js';

/** Which normalised names the KB has. */
export interface KnownNames {
  has(normalisedName: string): boolean;
}

/** The longest name looked for, in words: longer ones are under 1 % of the names of the KBs measured. */
const MAX_WORDS = 8;
/** What may stand between two words of one name: spaces, at most two symbols; no blank line, no control character. */
const JOINT = /^(?!.*[\n\r]\s*[\n\r])\s{0,8}[^\s\p{L}\p{N}\p{C};]{0,2}\s{0,8}$/su;
const BLANK = /^\s*$/;
/** "C++", "C#", "A*": symbols that belong to the word before them. */
const TRAILING_SYMBOLS = /^[+#*]{1,2}(?![\p{L}\p{N}])/u;
const ARTICLE = /^(?:the|an?)$/;
const PLURAL = /[^s]s$/;

/** A name of the KB that stands in a text. */
export interface KnownName extends Span {
  readonly surface: string;
  readonly form: SurfaceForm;
}

interface Word extends Span, SurfaceWord {
  /** Whether a name can go on from the word before to this one. */
  readonly joined: boolean;
}

/** Units of text that the gazetteer looks through at a stretch: well under a millisecond. */
const GAZETTEER_CHARS = 2_000;

/** The KB's names in a text of any length, by place, in turns. */
export async function gazetteerMentionsInTurns(
  text: string,
  names: KnownNames,
  turn = new Turn(),
): Promise<KnownName[]> {
  const found: KnownName[] = [];
  for (const { start, end } of chunksOf(text, GAZETTEER_CHARS)) {
    found.push(...gazetteerMentions(text.slice(start, end), start, names));
    await turn.pass();
  }
  return found;
}

/**
 * The KB's names in a piece of text: at each word the longest run of words that is a name, as spelled or
 * in the singular. A name inside a longer name is left out; names that overlap in part are both kept.
 * Offsets are of `text`, moved by `offset`.
 */
export function gazetteerMentions(text: string, offset: number, names: KnownNames): KnownName[] {
  const words = wordsOf(text);
  const found: KnownName[] = [];
  let coveredUntil = 0;
  for (let first = 0; first < words.length; first++) {
    const length = longestName(text, words, first, names);
    if (length === 0 || first + length <= coveredUntil) continue;
    coveredUntil = first + length;
    found.push(nameOf(text, words.slice(first, first + length), offset));
  }
  return found;
}

function wordsOf(text: string): Word[] {
  const spans = wordSpans(text);
  const spellings = spans.map(({ start, end }) => text.slice(start, end));
  const isUpper = spellings.map((spelling) => spelling === spelling.toUpperCase());
  const sentences = sentenceOfEach(text, spans);
  return spans.map(({ start, end }, at) => {
    const opensSentence = sentences[at] !== sentences[at - 1];
    const gap = text.slice(spans[at - 1]?.end ?? 0, start);
    const spelling = spellings[at] ?? '';
    return {
      start,
      end,
      spelling,
      form: normaliseName(spelling),
      opensSentence,
      isShouted: isShouted(isUpper, at),
      // A line break in the middle of a sentence joins, a full stop before a new sentence does not.
      joined: at > 0 && JOINT.test(gap) && (!opensSentence || BLANK.test(gap)),
    };
  });
}

/** The number of the sentence that each word begins in. */
function sentenceOfEach(text: string, spans: readonly Span[]): number[] {
  const ends = [...sentenceEnds(text)];
  let sentence = 0;
  return spans.map(({ start }) => {
    while ((ends[sentence] ?? text.length) <= start) sentence++;
    return sentence;
  });
}

/** Whether the words around, two on either side, are all in capitals, so that capitals say nothing. */
function isShouted(isUpper: readonly boolean[], at: number): boolean {
  const around = [isUpper[at - 2], isUpper[at - 1], isUpper[at + 1], isUpper[at + 2]];
  return around.includes(true) && !around.includes(false);
}

/** How many words from `first` on make the longest name; 0 where none does. */
function longestName(
  text: string,
  words: readonly Word[],
  first: number,
  names: KnownNames,
): number {
  const forms = namesFrom(words, first);
  for (let length = forms.length; length > 0; length--) {
    const form = forms[length - 1] ?? '';
    if (!isKnown(form, names)) continue;
    const run = words.slice(first, first + length);
    if (hasIdleArticle(run, names)) return 0;
    if (canBeName(run, text.slice(run[0]?.start, endOf(text, run)))) return length;
  }
  return 0;
}

/** The normal forms of the runs of 1, 2, … words from `first` on. */
function namesFrom(words: readonly Word[], first: number): string[] {
  const forms: string[] = [];
  let form = '';
  for (let at = first; at < Math.min(words.length, first + MAX_WORDS); at++) {
    const word = words[at];
    if (word === undefined || (at > first && !word.joined)) break;
    form = at === first ? word.form : `${form} ${word.form}`;
    forms.push(form);
  }
  return forms;
}

function isKnown(form: string, names: KnownNames): boolean {
  if (names.has(form)) return true;
  return PLURAL.test(form) && singulars(form).some((singular) => names.has(singular));
}

/** "the New York Times": the article stays outside where the name is known without it too. */
function hasIdleArticle([article, ...rest]: readonly Word[], names: KnownNames): boolean {
  if (article === undefined || rest.length === 0 || !ARTICLE.test(article.spelling)) return false;
  return isKnown(rest.map((word) => word.form).join(' '), names);
}

function singulars(form: string): string[] {
  const shortest = form.length - (form.endsWith('es') ? 3 : 1);
  return baseForms(form).filter((base) => base !== form && base.length >= Math.max(3, shortest));
}

/** The end of the last word, with the symbols that belong to it. */
function endOf(text: string, run: readonly Word[]): number {
  const end = run.at(-1)?.end ?? 0;
  return end + (TRAILING_SYMBOLS.exec(text.slice(end, end + 3))?.[0].length ?? 0);
}

function nameOf(text: string, run: readonly Word[], offset: number): KnownName {
  const start = run[0]?.start ?? 0;
  const end = endOf(text, run);
  const surface = text.slice(start, end);
  const form = surfaceForm(run, surface);
  return { start: start + offset, end: end + offset, surface, form };
}
