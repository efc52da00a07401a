"""What the encoders cannot read from lower-cased pieces: sparse features of entities and mentions.

Gillick et al. 2019, https://arxiv.org/abs/1909.10506, sec. 4.1: beside the text, the compound encoders take sparse
inputs (there: categories of the entity). Here every feature is one of BUCKETS numbers: an entity has its types
and the shape of its title, a mention the shape of its surface. 0 is padding; the shapes come first, then
types by hash. A type that was never seen in training falls into a bucket that is mostly zero, so it says nothing.
The same in TypeScript: libs/model/layout/sparse-features.ts, held to this by golden.json.
"""

import re

import numpy as np

BUCKETS = 1024
MAX_FEATURES = 8
SHAPES = ("lower", "capitalised", "upper", "mixed", "title", "number", "symbols", "coded")
WORD = re.compile(r"\w+")
CODE = re.compile(r"[a-z][A-Z]|[_()]|\w[.:]\w|::")


def shape_of(name):
    """Index of the first shape that fits."""
    letters = [c for c in name if c.isalpha()]
    if CODE.search(name):
        return SHAPES.index("coded")
    if not letters:
        return SHAPES.index("number" if any(c.isdigit() for c in name) else "symbols")
    if len(letters) > 1 and all(c.isupper() for c in letters):
        return SHAPES.index("upper")
    if not any(c.isupper() for c in letters):
        return SHAPES.index("lower")
    words = [w for w in WORD.findall(name) if w[0].isalpha()]
    if words and all(w[0].isupper() for w in words):
        return SHAPES.index("title" if len(words) > 1 else "capitalised")
    return SHAPES.index("mixed")


def fnv1a(text):
    """32-bit FNV-1a over UTF-8 (Fowler, Noll, Vo)."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def mention_features(surface):
    return [1 + shape_of(surface)]


def entity_features(entity):
    """The title's shape, then at most seven types."""
    first = 1 + len(SHAPES)
    types = [first + fnv1a(t.strip().lower()) % (BUCKETS - first) for t in entity["types"]]
    return [1 + shape_of(entity["title"]), *types[: MAX_FEATURES - 1]]


def padded_features(rows):
    """Lists of features -> int64 [N, MAX_FEATURES], 0 where there is none"""
    out = np.zeros((len(rows), MAX_FEATURES), np.int64)
    for at, row in enumerate(rows):
        out[at, : len(row)] = row
    return out
