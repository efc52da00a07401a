"""Step 1: the candidates that the cross-encoder will meet: v0's hybrid lists for sampled mentions.

    python candidates.py --out RUNS/candidates [--worlds mdn rpg ...]

One world is one file `<world>.npz`: ids of the cut KB's entities, and per mention its pieces, gold and
best candidates. Big KBs are cut to the entities that matter (gold, those who share a name with gold or
surface) and random ones. A world whose file exists with the same configuration is not made again.
"""

import argparse
import json
import os
import random
import zlib
from collections import defaultdict
from dataclasses import asdict, dataclass

import numpy as np

from retriever import DualEncoder, Hybrid
from texts import (
    CONTEXT_IDS,
    Pieces,
    code_points,
    entities_ids,
    normal_form,
    read_jsonl,
    sha256_of,
    span_of,
    window_of,
)


@dataclass
class Config:
    data: str = "../../../shared/data"  # the worlds
    model: str = "../../models/referent-v0"  # whose dual encoder retrieves
    seed: int = 17
    train_mentions: int = 2400  # a world
    dev_mentions: int = 300
    mentions_a_window: int = 6  # they share a pass of the dual encoder
    entities: int = 5000  # of the cut KB, at least; 1,000 of them random
    rivals: int = 60  # entities that share a name with one gold entity or surface, at most
    candidates: int = 24  # K
    small_worlds: tuple = ("attack", "foldoc")  # nearly solved by their names: few mentions do
    small_mentions: int = 500


TRAIN_FILES = {"wiki": ("train", "silver-train")}
WORLDS = "rpg mdn win32 disease wordnet wiki craft foldoc attack".split()


def sample_mentions(documents, most, a_window, rng):
    """(document, mention) numbers: windows at random, at most `a_window` mentions of each."""
    windows = defaultdict(list)
    for d, document in enumerate(documents):
        length = len(document["text"]) // 5  # pieces, roughly: windows are only a sampling unit here
        for m, mention in enumerate(document["mentions"]):
            a, b = mention["start"] // 5, mention["end"] // 5
            windows[d, window_of(a, b, length)].append((d, m))
    order, picked = list(windows), []
    rng.shuffle(order)
    for key in order:
        picked += rng.sample(windows[key], min(a_window, len(windows[key])))
        if len(picked) >= most:
            break
    return sorted(picked[:most])


def cut(entities, mentions, config, rng):
    """Rows of the KB that are kept: gold entities, rivals by name, random ones."""
    row_of = {entity["id"]: row for row, entity in enumerate(entities)}
    called, forms = defaultdict(list), []
    for row, entity in enumerate(entities):
        forms.append({normal_form(n) for n in [entity["title"], *entity["aliases"]]})
        for form in forms[row]:
            called[form].append(row)
    kept = set()
    for mention in mentions:
        gold = row_of[mention["entityId"]]
        kept.add(gold)
        for form in {normal_form(mention["text"])} | forms[gold]:
            kept.update(called[form][: config.rivals])
    others = [row for row in range(len(entities)) if row not in kept]
    rng.shuffle(others)
    return sorted(kept | set(others[: max(1000, config.entities - len(kept))]))


def load_split(folder, split, most, config, rng):
    documents = [d for name in split for d in read_jsonl(f"{folder}/{name}.jsonl.gz")]
    per_window = config.mentions_a_window if "dev" not in split else 1000
    return documents, sample_mentions(documents, most, per_window, rng)


class Writer:
    """Collects mentions of both splits as ragged arrays."""

    def __init__(self):
        self.columns = defaultdict(list)

    def add(self, pieces, a, b, **numbers):
        """Keeps no more of the document than a pair can show."""
        begin, end = max(0, a - CONTEXT_IDS), min(len(pieces), b + CONTEXT_IDS)
        self.columns["pieces"].append(pieces[begin:end])
        self.columns["spans"].append((a - begin, b - begin))
        for name, value in numbers.items():
            self.columns[name].append(value)

    def arrays(self):
        pieces = self.columns.pop("pieces")
        out = {name: np.array(column) for name, column in self.columns.items()}
        out["pieces"] = np.concatenate([np.array(p, np.uint16) for p in pieces])
        out["piece_offsets"] = np.cumsum([0] + [len(p) for p in pieces])
        return out


def make_world(world, config, dual, pieces, path):
    rng = random.Random(config.seed)
    folder = f"{config.data}/{world}"
    train_files = TRAIN_FILES.get(world, ("train",))
    files = [f"{folder}/{n}.jsonl.gz" for n in ("entities", *train_files, "dev")]
    meta = {"config": asdict(config), "world": world, "data": sha256_of(files)}
    if os.path.exists(path) and str(np.load(path)["meta"]) == json.dumps(meta):
        return print(world, "is there", flush=True)

    most = config.small_mentions if world in config.small_worlds else config.train_mentions
    splits = {
        "train": load_split(folder, train_files, most, config, rng),
        "dev": load_split(folder, ("dev",), config.dev_mentions, config, rng),
    }
    entities = read_jsonl(files[0])
    sampled = [docs[d]["mentions"][m] for docs, picked in splits.values() for d, m in picked]
    rows = cut(entities, sampled, config, rng)
    entities = [entities[row] for row in rows]
    laid_out = entities_ids(pieces, entities)
    text_hash = np.array([zlib.crc32(np.array(ids, np.uint16).tobytes()) for ids, _ in laid_out])
    bonus = dual.manifest["calibration"]["lexicalBonus"]
    hybrid = Hybrid(entities, dual.entities(laid_out), bonus)
    row_of = {entity["id"]: row for row, entity in enumerate(entities)}

    writer = Writer()
    for split, (documents, picked) in splits.items():
        add_split(split, documents, picked, row_of, text_hash, hybrid, dual, pieces, config, writer)
    out = writer.arrays()
    out["entity_ids"] = np.concatenate([np.array(ids, np.uint16) for ids, _ in laid_out])
    out["entity_offsets"] = np.cumsum([0] + [len(ids) for ids, _ in laid_out])
    np.savez_compressed(f"{path}.part.npz", meta=json.dumps(meta), **out)
    os.replace(f"{path}.part.npz", path)
    first = out["candidates"][:, 0] == out["gold"]
    dev = out["is_dev"]
    print(f"{world}: {len(rows)} entities, first right: train {first[~dev].mean():.3f}", end=" ")
    print(f"dev {first[dev].mean():.3f} of {dev.sum()}", flush=True)


def add_split(split, documents, picked, row_of, text_hash, hybrid, dual, pieces, config, writer):
    used = sorted({d for d, _ in picked})
    tokenised = {d: pieces.of(documents[d]["text"]) for d in used}
    number = {d: at for at, d in enumerate(used)}
    places, spans = [], []
    for d, m in picked:
        text, mention = documents[d]["text"], documents[d]["mentions"][m]
        start, end = code_points(text, mention["start"]), code_points(text, mention["end"])
        places.append((d, text, start, end, row_of[mention["entityId"]]))
        spans.append((number[d], *span_of(tokenised[d][1], start, end)))
    vectors = dual.mentions([tokenised[d][0] for d in used], spans)  # [M, D]
    for vector, (d, text, start, end, gold), (_, a, b) in zip(vectors, places, spans):
        scores = hybrid.scores(text, start, end, vector)  # [E]
        order = np.argsort(-scores, kind="stable")[: 2 * config.candidates]
        # An entity with the gold one's very text cannot be told from it: no negative to learn from.
        twin = (text_hash[order] == text_hash[gold]) & (order != gold)
        order = (order if split == "dev" else order[~twin])[: config.candidates]
        writer.add(
            tokenised[d][0],
            a,
            b,
            gold=gold,
            gold_score=scores[gold],
            candidates=order,
            scores=scores[order],
            is_dev=split == "dev",
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--worlds", nargs="*", default=WORLDS)
    for name, default in asdict(Config()).items():
        if isinstance(default, (int, str)):
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    out, worlds = options.pop("out"), options.pop("worlds")
    config = Config(**options)
    os.makedirs(out, exist_ok=True)
    dual = DualEncoder(config.model)
    pieces = Pieces(os.path.join(config.model, "vocab.txt"))
    for world in worlds:
        make_world(world, config, dual, pieces, f"{out}/{world}.npz")


if __name__ == "__main__":
    main()
