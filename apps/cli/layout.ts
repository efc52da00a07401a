import { createColors } from 'picocolors';
import type { Link } from '../../libs/contract/annotate.js';

export interface LayoutOptions {
  readonly colours: boolean;
  /** Candidates to list under each link; 0 for none. */
  readonly candidates: number;
}

/** A text with its links for people: the text with its mentions marked, then a line a mention. */
export function layOut(text: string, links: readonly Link[], options: LayoutOptions): string {
  if (links.length === 0) return `${printable(text)}\n\nNo links.\n`;
  const colours = createColors(options.colours);
  const rows = links.flatMap((link) => [linkRow(link), ...candidateRows(link, options.candidates)]);
  return `${marked(text, links, options)}\n\n${table([HEADER, ...rows], (row, line) =>
    row === 0 ? colours.dim(line) : line,
  )}`;
}

const HEADER = ['MENTION', 'ENTITY', 'ID', 'CONFIDENCE'];

const linkRow = (link: Link): string[] => [
  printable(link.surface),
  link.entityId === null ? 'nothing in the KB fits' : printable(link.title ?? ''),
  printable(link.entityId ?? '-'),
  percent(link.confidence),
];

function candidateRows(link: Link, count: number): string[][] {
  return (link.candidates ?? [])
    .slice(0, count)
    .map((candidate, place) => [
      '',
      `${place + 1}. ${printable(candidate.title)}`,
      printable(candidate.entityId),
      [
        `cosine ${candidate.cosine.toFixed(3)}`,
        ...(candidate.exactAlias ? ['name'] : []),
        ...(candidate.prior === null ? [] : [`prior ${candidate.prior.toFixed(2)}`]),
        ...(candidate.logit === null ? [] : [`logit ${candidate.logit.toFixed(2)}`]),
      ].join(', '),
    ]);
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`.padStart(10);

/** The text with each mention bold and underlined (NIL dimmed), or in brackets where there are no colours. */
function marked(text: string, links: readonly Link[], { colours }: LayoutOptions): string {
  const style = createColors(colours);
  const parts: string[] = [];
  let at = 0;
  for (const link of [...links].sort((a, b) => a.start - b.start || b.end - a.end)) {
    // Given mentions may overlap; only the first of such can be marked.
    if (link.start < at) continue;
    parts.push(printable(text.slice(at, link.start)));
    const surface = printable(text.slice(link.start, link.end));
    if (!colours) parts.push(`[${surface}]`);
    else
      parts.push(
        link.entityId === null
          ? style.dim(style.underline(surface))
          : style.bold(style.cyan(style.underline(surface))),
      );
    at = link.end;
  }
  return [...parts, printable(text.slice(at))].join('').trimEnd();
}

/** Columns as wide as their widest cell; the last column is not padded. */
export function table(
  rows: readonly (readonly string[])[],
  paint: (row: number, line: string) => string = (_, line) => line,
): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => displayWidth(row[column] ?? ''))),
  );
  const lines = rows.map((row, index) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1
        ? cell
        : cell + ' '.repeat((widths[column] ?? 0) - displayWidth(cell)),
    );
    return paint(index, `  ${cells.join('  ')}`);
  });
  return `${lines.join('\n')}\n`;
}

/** Control characters of a text must not reach the terminal as commands: they are shown as pictures (U+2400 …). */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu, (character) => {
    const code = character.charCodeAt(0);
    if (code === 0x7f) return '\u2421';
    return code > 0x7f ? '\ufffd' : String.fromCharCode(0x2400 + code);
  });
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const WIDE =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\uff01-\uff60]/u;

/** Columns of a terminal: two for East Asian characters and emoji, one for other graphemes. */
function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
