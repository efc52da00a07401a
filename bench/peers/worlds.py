"""A world on disk, as the benches of this project read it: entities, and mentions in their texts."""

import gzip
import hashlib
import json
import random
import re
import unicodedata
from dataclasses import dataclass

CONTEXT_CHARS = 100
CUTS = (1, 10, 64, 100)


@dataclass
class Entity:
    id: str
    names: list  # title first
    description: str

    @property
    def text(self):
        return f"{self.names[0]}. {self.description}" if self.description else "; ".join(self.names[:8])


@dataclass
class Mention:
    surface: str
    left: str
    right: str
    gold: int | None  # row of the KB

    @property
    def sentence(self):
        """The surface, then what stands around it: one vector for each mention of a sentence."""
        return f"{self.surface}: {self.left}{self.surface}{self.right}"

    @property
    def marked(self):
        return f"{self.left}[ {self.surface} ]{self.right}"


def read_lines(path):
    open_file = gzip.open if path.endswith(".gz") else open
    with open_file(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_entities(path):
    def name_of(alias):
        return alias if isinstance(alias, str) else alias["name"]

    return [
        Entity(row["id"], [row["title"], *map(name_of, row.get("aliases", []))], row.get("description", ""))
        for row in read_lines(path)
    ]


def mentions_of(document, row_of):
    """Offsets are UTF-16 units, so texts are cut as such. Mentions of no entity of the KB have gold None."""
    units = document["text"].encode("utf-16-le")

    def cut(start, end):
        return units[2 * max(start, 0) : 2 * end].decode("utf-16-le", "ignore")

    for m in document["mentions"]:
        start, end = m["start"], m["end"]
        left, right = cut(start - CONTEXT_CHARS, start), cut(end, end + CONTEXT_CHARS)
        yield Mention(cut(start, end), left, right, row_of.get(m.get("entityId")))


def read_mentions(path, row_of):
    """Mentions of no entity of the KB are left out."""
    mentions = (mention for document in read_lines(path) for mention in mentions_of(document, row_of))
    return [mention for mention in mentions if mention.gold is not None]


def sample(mentions, most, seed):
    return mentions if len(mentions) <= most else random.Random(seed).sample(mentions, most)


def normal_form(name):
    """As libs/text/normalise.ts: no marks, no case, runs of anything but letters and digits are one space."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", bare.casefold()).strip() or name.strip()


def rows_by_name(entities):
    rows = {}
    for row, entity in enumerate(entities):
        for name in dict.fromkeys(map(normal_form, entity.names)):
            rows.setdefault(name, []).append(row)
    return rows


def recall(ranked, mentions):
    """Rows of each mention, best first -> recall at 1, 10, 64, 100"""
    places = [list(rows).index(m.gold) if m.gold in rows else 1 << 30 for rows, m in zip(ranked, mentions)]
    return [sum(place < cut for place in places) / len(places) for cut in CUTS]


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
