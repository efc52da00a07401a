import { bertCharacter } from './bert-character.js';
import type { Pieces } from './pieces.js';
import { PieceTrie } from './piece-trie.js';

/** Words of more characters than this become one unknown piece. */
const MAX_WORD_CHARACTERS = 100;
/** Units of a normalised word that can matter, with room for the last character's expansion. */
const WORD_UNITS = 2 * MAX_WORD_CHARACTERS + 64;

const DROP = 0;
const SPACE = 1;
const PUNCTUATION = 2;
const LETTER = 3;

/** What an ASCII character is, and what it becomes. */
const asciiKind = Uint8Array.from({ length: 128 }, (_, unit) => {
  const part = bertCharacter(unit).parts[0];
  if (part === undefined) return DROP;
  return part.kind === 'space' ? SPACE : part.kind === 'punctuation' ? PUNCTUATION : LETTER;
});
const asciiLower = Uint16Array.from({ length: 128 }, (_, unit) =>
  String.fromCharCode(unit).toLowerCase().charCodeAt(0),
);

/** The word being read: its normalised units, and for each the range of the text that it came from. */
class Word {
  readonly units = new Uint16Array(WORD_UNITS);
  readonly starts = new Int32Array(WORD_UNITS);
  readonly ends = new Int32Array(WORD_UNITS);
  length = 0;
  characters = 0;
  start = 0;
  end = 0;

  append(unit: number, start: number, end: number): void {
    if (this.characters === 0) this.start = start;
    this.characters++;
    this.end = end;
    if (this.length < WORD_UNITS) this.put(unit, start, end);
  }

  /** Appends a character given as a string of one code point. */
  appendText(text: string, start: number, end: number): void {
    this.append(text.charCodeAt(0), start, end);
    if (text.length > 1 && this.length < WORD_UNITS) this.put(text.charCodeAt(1), start, end);
  }

  private put(unit: number, start: number, end: number): void {
    this.units[this.length] = unit;
    this.starts[this.length] = start;
    this.ends[this.length++] = end;
  }

  clear(): void {
    this.length = 0;
    this.characters = 0;
  }
}

/** Three growing columns. */
class PieceList {
  private ids: Int32Array;
  private starts: Int32Array;
  private ends: Int32Array;
  length = 0;

  constructor(capacity: number) {
    this.ids = new Int32Array(capacity);
    this.starts = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
  }

  push(id: number, start: number, end: number): void {
    if (this.length === this.ids.length) this.resize(this.length * 2);
    this.ids[this.length] = id;
    this.starts[this.length] = start;
    this.ends[this.length++] = end;
  }

  finish(maxPieces: number): Pieces {
    this.resize(Math.min(this.length, maxPieces));
    return { ids: this.ids, starts: this.starts, ends: this.ends };
  }

  private resize(length: number): void {
    const resized = (column: Int32Array) => {
      const larger = new Int32Array(length);
      larger.set(column.subarray(0, length));
      return larger;
    };
    this.ids = resized(this.ids);
    this.starts = resized(this.starts);
    this.ends = resized(this.ends);
  }
}

/** One text being tokenised, in as many steps as the caller likes. */
export class PieceReader {
  private readonly word = new Word();
  private readonly pieces: PieceList;
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly trie: PieceTrie,
    private readonly unknown: number,
    private readonly maxPieces = Number.MAX_SAFE_INTEGER,
  ) {
    this.pieces = new PieceList(Math.min(maxPieces, text.length >>> 2) + 16);
  }

  /** Reads up to the offset, or until there are enough pieces; true when nothing is left to read. */
  readTo(offset: number): boolean {
    const { text, pieces, maxPieces } = this;
    const end = Math.min(offset, text.length);
    let at = this.at;
    while (at < end && pieces.length < maxPieces) {
      const unit = text.charCodeAt(at);
      at = unit < 128 ? this.readAscii(unit, at) : this.readUnicode(at);
    }
    this.at = at;
    return at >= text.length || pieces.length >= maxPieces;
  }

  /** The pieces of what was read. */
  finish(): Pieces {
    this.closeWord();
    return this.pieces.finish(this.maxPieces);
  }

  /** Returns the offset of the next character. */
  private readAscii(unit: number, at: number): number {
    const kind = asciiKind[unit];
    const end = at + 1;
    if (kind === LETTER) {
      this.word.append(asciiLower[unit] ?? 0, at, end);
    } else if (kind !== DROP) {
      this.closeWord();
      if (kind === PUNCTUATION) {
        this.word.append(unit, at, end);
        this.closeWord();
      }
    }
    return end;
  }

  private readUnicode(at: number): number {
    const codePoint = this.text.codePointAt(at) ?? 0;
    const end = at + (codePoint > 0xffff ? 2 : 1);
    const { alone, parts } = bertCharacter(codePoint);
    if (alone) this.closeWord();
    for (const part of parts) {
      if (part.kind !== 'letter') this.closeWord();
      if (part.kind !== 'space') this.word.appendText(part.text, at, end);
      if (part.kind === 'punctuation') this.closeWord();
    }
    if (alone) this.closeWord();
    return end;
  }

  private closeWord(): void {
    const { word, pieces } = this;
    if (word.characters === 0) return;
    const before = pieces.length;
    const known = word.characters <= MAX_WORD_CHARACTERS && this.pushPieces();
    if (!known) {
      pieces.length = before;
      pieces.push(this.unknown, word.start, word.end);
    }
    word.clear();
  }

  /** Greedy longest match; false where some rest of the word begins with no piece. */
  private pushPieces(): boolean {
    const { units, starts, ends, length } = this.word;
    for (let from = 0; from < length; from = this.trie.matchEnd) {
      const id = this.trie.longest(units, from, length, from > 0);
      if (id < 0) return false;
      this.pieces.push(id, starts[from] ?? 0, ends[this.trie.matchEnd - 1] ?? 0);
    }
    return true;
  }
}

/**
 * BERT's uncased WordPiece with offsets into the original text: Schuster and Nakajima 2012, as in
 * google-research/bert `tokenization.py`. Differs from Hugging Face's default in one point, on purpose:
 * `[SEP]` and its like in a text are plain characters, so that no text can forge a model's layout.
 */
export class WordPiece {
  private readonly trie: PieceTrie;
  private readonly unknown: number;

  constructor(vocabulary: readonly string[]) {
    this.trie = new PieceTrie(vocabulary);
    this.unknown = vocabulary.indexOf('[UNK]');
  }

  /** The pieces of a text, or its first `maxPieces`; then no more of the text is read than they need. */
  tokenize(text: string, maxPieces?: number): Pieces {
    const reader = this.reader(text, maxPieces);
    reader.readTo(text.length);
    return reader.finish();
  }

  /** For long texts: read in steps, so that other work can be done in between. */
  reader(text: string, maxPieces?: number): PieceReader {
    return new PieceReader(text, this.trie, this.unknown, maxPieces);
  }
}

/** A BERT `vocab.txt`: the piece of id i stands on line i. */
export function parseVocabulary(file: string): string[] {
  const lines = file.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
