"""Write the golden pieces that libs/text/wordpiece.test.ts checks, with Hugging Face's tokenizer as the reference.

usage: python training/tokenizer_golden.py models/referent-v1/vocab.txt > libs/text/wordpiece.golden.json
needs: tokenizers
"""
import json
import sys

from tokenizers.implementations import BertWordPieceTokenizer

CLASSES = {
    "plain words": "The quick brown fox jumped over tokenization",
    "empty": "",
    "only white space": " \t\r\n ",
    "code": "Array.prototype.map() => x[0] + y_1 / z::w #include <a.h>",
    "every ASCII mark": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "accents, composed": "Zażółć gęślą jaźń naïve café Ångström",
    "accents, decomposed": "Zaz\u0307o\u0301łc\u0301 cafe\u0301 A\u030a\u0301x",
    "marks without a letter": "\u0301\u0302 \u0301a",
    "sharp s, dotted and dotless i, final sigma": "Straße İstanbul ısı ΟΔΟΣ σς",
    "Cyrillic, Greek, Hebrew, Arabic": "Москва Αθήνα ירושלים القاهرة",
    "Devanagari and Thai": "हिन्दी में ภาษาไทย",
    "CJK between letters": "in東京today 漢字かな交じり文",
    "rare CJK": "\U00020000a\uf900b\u3400",
    "Hangul": "한국어 abc",
    "emoji": "😀 a😀b 👨\u200d👩\u200d👧 😀😀",
    "mathematical and enclosed letters": "𝒜𝓑 ①② ™ ½ ﬁne",
    "Unicode punctuation": "“quotes” – dash — em… «fr» ¿es? 、。",
    "Unicode spaces": "a\u00a0b\u2003c\u3000d\u2028e\u1680f",
    "NUL and control characters": "a\u0000b\u0001c\u007fd\u0085e\u001cf",
    "zero width, direction and soft hyphen": "a\u200bb\u200ec\u202ed\u00ade\ufefff",
    "replacement character": "a\ufffdb",
    "canonical singletons": "a\u037eb \u212a\u212b \u226e \u2260",
    "word of 100 characters": "x" * 100,
    "word of 101 characters": "x" * 101,
    "100 accented characters, decomposed": "e\u0301" * 100,
    "34 syllables are 102 jamo": "한" * 34,
    "unknown inside a word": "abc\u2603def",
    "numbers": "3.14 1,000,000 0x7fff 2024-01-31",
    "contractions": "don't it's we'll O'Neill",
}


def utf16_offsets(text):
    offsets = [0]
    for c in text:
        offsets.append(offsets[-1] + (2 if ord(c) > 0xFFFF else 1))
    return offsets


def main(vocabulary):
    tokenizer = BertWordPieceTokenizer(vocabulary, lowercase=True)
    golden = []
    for name, text in CLASSES.items():
        encoded = tokenizer.encode(text, add_special_tokens=False)
        at = utf16_offsets(text)
        golden.append(
            {
                "class": name,
                "text": text,
                "ids": encoded.ids,
                "starts": [at[a] for a, _ in encoded.offsets],
                "ends": [at[b] for _, b in encoded.offsets],
            }
        )
    rows = ",\n".join(json.dumps(row) for row in golden)
    print(f"[\n{rows}\n]")


if __name__ == "__main__":
    main(*sys.argv[1:])
