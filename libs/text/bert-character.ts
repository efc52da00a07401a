/** What BERT's basic tokenizer (uncased) makes of one character. */
export interface BertCharacter {
  /** A CJK ideograph: a word of its own, whatever stands around it. */
  readonly alone: boolean;
  /** The characters to append, lower-cased and without accents; none where the character is dropped. */
  readonly parts: readonly BertPart[];
}

export interface BertPart {
  readonly kind: 'space' | 'punctuation' | 'letter';
  readonly text: string;
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]/u;
/** Unicode's White_Space, which is JavaScript's `\s` but for U+FEFF and U+0085. */
const WHITE_SPACE = /[^\S\ufeff]|\x85/;
const ACCENTS = /\p{Mn}/gu;
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/u;
const CJK =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;

const SPACE: BertCharacter = { alone: false, parts: [{ kind: 'space', text: ' ' }] };
const DROPPED: BertCharacter = { alone: false, parts: [] };

function classify(character: string): BertCharacter {
  if (/[\t\n\r]/.test(character)) return SPACE;
  if (CONTROL.test(character)) return DROPPED;
  if (WHITE_SPACE.test(character)) return SPACE;
  const normal = character.normalize('NFD').replace(ACCENTS, '').toLowerCase();
  const parts = Array.from(normal, (text): BertPart => {
    return { kind: PUNCTUATION.test(text) ? 'punctuation' : 'letter', text };
  });
  return { alone: CJK.test(character), parts };
}

/** Bounded, so that a text of rare characters cannot fill the memory. */
const MEMO_LIMIT = 16_384;
const memo = new Map<number, BertCharacter>();

/**
 * One code point under BERT's rules (google-research/bert, tokenization.py, as Hugging Face's BertNormalizer
 * applies them): control characters dropped, white space to spaces, CJK set apart, NFD without accents, lower case.
 * A lone surrogate is dropped like a control character.
 */
export function bertCharacter(codePoint: number): BertCharacter {
  let known = memo.get(codePoint);
  if (known === undefined) {
    known = classify(String.fromCodePoint(codePoint));
    if (memo.size < MEMO_LIMIT) memo.set(codePoint, known);
  }
  return known;
}
