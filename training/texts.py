"""Worlds on disk, and the layouts that the model card fixes: entity ids, windows, pairs.

Legend of all files here
    B pairs   T ids of a pair   H = 384 hidden   L = 6 layers   A = 12 attention heads
    M mentions   E entities of a knowledge base   K candidates of a mention
"""

import gzip
import hashlib
import json
import re
import unicodedata

from tokenizers.implementations import BertWordPieceTokenizer

PAD, CLS, SEP, SEMICOLON = 0, 101, 102, 1025
OPEN, CLOSE = 1, 2  # [M], [/M]: the vocabulary's [unused0], [unused1]

ENTITY_IDS, TITLE_PIECES, MIDDLE_PIECES, DESCRIPTION_CHARS = 64, 24, 20, 600
ALIASES_WITH_DESCRIPTION, ALIASES_WITHOUT = 4, 24
WINDOW_PIECES, WINDOW_STRIDE, WINDOW_LEAD = 126, 63, 31
CONTEXT_IDS, MENTION_PIECES = 62, 24


# ---- worlds ----


def read_jsonl(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sha256_of(paths):
    """Over the bytes of all files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def code_points(text, offset):
    """Python's index of a UTF-16 offset."""
    if text.isascii():
        return offset
    return len(text.encode("utf-16-le")[: 2 * offset].decode("utf-16-le"))


# ---- names ----

NOT_WORD = re.compile(r"[\W_]+")
WORD = re.compile(r"\w+")
ENDINGS = [("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("d", "")]
ENDINGS += [("ing", ""), ("ing", "e"), ("er", ""), ("est", "")]


def normal_form(name):
    """'Zürich (HB)' -> 'zurich hb'; a name of punctuation only keeps itself: '++' -> '++'."""
    decomposed = unicodedata.normalize("NFKD", name)
    folded = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    return NOT_WORD.sub(" ", folded).strip() or folded.strip()


def base_forms(form):
    """The form itself, then naive English base forms: 'stunned' -> 'stunn', 'stun', ..."""
    forms = [form]
    for ending, base in ENDINGS:
        if form.endswith(ending) and len(form) - len(ending) >= 2:
            forms.append(form[: len(form) - len(ending)] + base)
    for ending in ("ing", "ed"):
        stem = form.removesuffix(ending)
        if stem != form and len(stem) > 2 and stem[-1] == stem[-2]:
            forms.append(stem[:-1])
    return list(dict.fromkeys(forms))


def words(text):
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


# ---- layouts ----


class Pieces:
    """BERT's uncased WordPiece without special ids."""

    def __init__(self, vocabulary):
        self.tokenizer = BertWordPieceTokenizer(vocabulary, lowercase=True)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def of(self, text):
        """ids, and the half-open range of code points of each."""
        encoded = self.tokenizer.encode(text, add_special_tokens=False)
        return encoded.ids, encoded.offsets

    def of_all(self, texts):
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        return [e.ids for e in encoded]


def middle_of(entity):
    """Types, then the aliases that are not the title over again: 't1, t2 ; alias ; alias'."""
    forms, aliases = {normal_form(entity["title"])}, []
    for alias in entity["aliases"]:
        form = normal_form(alias)
        if form not in forms:
            forms.add(form)
            aliases.append(alias)
    most = ALIASES_WITH_DESCRIPTION if entity["description"] else ALIASES_WITHOUT
    types = [", ".join(entity["types"])] if entity["types"] else []
    return " ; ".join(types + aliases[:most])


def entity_ids(title, middle, description):
    """Pieces of the three parts -> [CLS] title [SEP] middle [SEP] description [SEP], title pieces."""
    title = title[:TITLE_PIECES]
    room = ENTITY_IDS - 4 - len(title)
    middle = middle[: MIDDLE_PIECES if description else room]
    description = description[: room - len(middle)]
    return [CLS, *title, SEP, *middle, SEP, *description, SEP], len(title)


def entities_ids(pieces, entities):
    """All entities' ids and the number of title pieces of each."""
    titles = pieces.of_all([e["title"] for e in entities])
    middles = pieces.of_all([middle_of(e) for e in entities])
    descriptions = pieces.of_all([e["description"][:DESCRIPTION_CHARS] for e in entities])
    return [entity_ids(*parts) for parts in zip(titles, middles, descriptions)]


def span_of(offsets, start, end):
    """The pieces a..b-1 whose range overlaps the code points [start, end)."""
    a = sum(1 for _, piece_end in offsets if piece_end <= start)
    b = sum(1 for piece_start, _ in offsets if piece_start < end)
    return a, b


def window_of(a, b, length):
    """Which window of a document of `length` pieces the mention a..b-1 belongs to."""
    if length <= WINDOW_PIECES:
        return 0
    return max(0, ((a + b) // 2 - WINDOW_LEAD) // WINDOW_STRIDE)


def context_ids(document, a, b, most=CONTEXT_IDS):
    """left [M] mention [/M] right, at most `most` ids; one side's spare room goes to the other."""
    b = min(b, a + MENTION_PIECES)
    room = most - 2 - (b - a)
    left, right = a, len(document) - b
    left = min(left, room // 2)
    right = min(right, room - left)
    left = min(a, room - right)
    return [*document[a - left : a], OPEN, *document[a:b], CLOSE, *document[b : b + right]]


def pair_ids(context, entity, most=ENTITY_IDS):
    """[CLS] context [SEP] entity [SEP], and where the second segment begins.

    The entity's ids lose their [CLS], inner [SEP]s become ';', the last stays."""
    segment = [SEMICOLON if i == SEP else i for i in entity[1:most]]
    segment[-1] = SEP
    return [CLS, *context, SEP, *segment], len(context) + 2
