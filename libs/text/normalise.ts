/**
 * The normal form of names, as the model card defines it: NFKD, combining marks dropped, case-folded,
 * each run of what is neither letter nor number becomes one space, trimmed. None of these rules looks
 * at a character's neighbours, so the form is built code point by code point from a memo.
 */

const ASCII_ONLY = /^[\0-\x7f]*$/;

/** Text that needs no folding but that of case. */
export const isAscii = (text: string): boolean => ASCII_ONLY.test(text);

const NOT_WORD = /[^\p{L}\p{N}]+/gu;
const MARK = /\p{M}/u;
/** Python's `str.strip`, which the reference uses when nothing but punctuation is left. */
const EDGE_SPACE = /^[\s\x1c-\x1f\x85]+|[\s\x1c-\x1f\x85]+$/g;
/** Letters whose case folding is not what `toLowerCase` gives: Cherokee folds to capitals, U+1C80–88 to plain Cyrillic. */
const CHEROKEE = /[\u13a0-\u13fd\uab70-\uabbf]/u;
const OLD_CYRILLIC = /[\u1c80-\u1c88]/u;

/** JavaScript does not expose the combining class; a mark of class above 0 sorts before one of class 240. */
function hasCombiningClass(mark: string): boolean {
  const highest = '\u0345';
  return mark === highest || !(highest + mark).normalize('NFD').startsWith(highest);
}

/** Unicode full case folding of a decomposed character. */
function caseFold(character: string): string {
  if (CHEROKEE.test(character)) return character.toUpperCase();
  if (OLD_CYRILLIC.test(character)) return character.toUpperCase().toLowerCase();
  return character.toLowerCase().replace(/ß/g, 'ss').replace(/ς/g, 'σ');
}

function foldAll(text: string): string {
  let folded = '';
  for (const character of text.normalize('NFKD')) {
    const dropped = MARK.test(character) && hasCombiningClass(character);
    if (!dropped) folded += caseFold(character);
  }
  return folded;
}

/** Bounded, so that a text of rare characters cannot fill the memory. */
const MEMO_LIMIT = 16_384;
const formOf = new Map<string, string>();

/** The normal form of one code point before trimming: '' for a combining mark, ' ' for a separator. */
export function normaliseCharacter(character: string): string {
  let form = formOf.get(character);
  if (form === undefined) {
    form = foldAll(character).replace(NOT_WORD, ' ');
    if (formOf.size < MEMO_LIMIT) formOf.set(character, form);
  }
  return form;
}

function normaliseUnicode(name: string): string {
  let form = '';
  for (const character of name) {
    const next = normaliseCharacter(character);
    form += next === ' ' && form.endsWith(' ') ? '' : next;
  }
  return form.replace(/ {2,}/g, ' ').trim();
}

function normaliseAscii(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
}

/**
 * The normal form under which names are compared: `normaliseName('Zürich (HB)') === 'zurich hb'`.
 * A name without a letter or number keeps its case-folded, trimmed self (`normaliseName('++') === '++'`);
 * the form is empty only where the name is all white space or combining marks.
 */
export function normaliseName(name: string): string {
  const form = isAscii(name) ? normaliseAscii(name) : normaliseUnicode(name);
  return form === '' ? foldAll(name).replace(EDGE_SPACE, '') : form;
}

const ENDINGS: readonly (readonly [ending: string, base: string])[] = [
  ['ies', 'y'],
  ['es', ''],
  ['s', ''],
  ['ied', 'y'],
  ['ed', ''],
  ['ed', 'e'],
  ['d', ''],
  ['ing', ''],
  ['ing', 'e'],
  ['er', ''],
  ['est', ''],
];

/** `running → run`: an ending after a doubled letter. */
function undoubled(name: string, ending: string): string[] {
  const stem = name.slice(0, -ending.length);
  const doubled = stem.length > 2 && stem.at(-1) === stem.at(-2);
  return name.endsWith(ending) && doubled ? [stem.slice(0, -1)] : [];
}

/**
 * A normalised name, then its naive English base forms, most likely first: for mentions that are inflected.
 * The first form that some entity carries is the one to use.
 */
export function baseForms(name: string): string[] {
  const bases = ENDINGS.filter(
    ([ending]) => name.endsWith(ending) && name.length - ending.length >= 2,
  ).map(([ending, base]) => name.slice(0, name.length - ending.length) + base);
  return [name, ...bases, ...undoubled(name, 'ing'), ...undoubled(name, 'ed')];
}
