"""Step 1: worlds -> token ids. Samples training documents, cuts big knowledge bases, tokenises both.

    python prepare.py --out RUNS/worlds [--worlds mdn rpg ...]

One world is one file `<world>.npz` (read by `worlds.py`). Big KBs are cut to the entities that matter (gold,
those who share a name with gold or surface) and random ones. A world whose file was made with the same
configuration from the same data is not made again.
"""

import argparse
import json
import os
import random
from collections import defaultdict
from dataclasses import asdict, dataclass

import numpy as np

from sparse import entity_features, mention_features
from texts import Pieces, code_points, entities_ids, normal_form, read_jsonl, sha256_of, span_of


@dataclass
class Config:
    data: str = "../../shared/data"  # the worlds
    vocabulary: str = "../models/referent-v1/vocab.txt"
    seed: int = 17
    train_mentions: int = 16000  # a world, whole documents
    dev_mentions: int = 1500
    entities: int = 12000  # of the cut KB, at least; some of them random
    random_entities: int = 3000
    rivals: int = 40  # entities that share a name with one gold entity or surface, at most


TRAIN_FILES = {"wiki": ("train", "silver-train")}
WORLDS = "rpg mdn win32 disease wordnet wiki craft foldoc attack".split()


def sample_documents(documents, most, rng):
    """Documents in random order until they hold `most` mentions (NIL ones not counted)."""
    order, picked, count = list(range(len(documents))), [], 0
    rng.shuffle(order)
    for d in order:
        linkable = sum(m["entityId"] is not None for m in documents[d]["mentions"])
        if documents[d]["mentions"] and count < most:
            picked.append(documents[d])
            count += linkable
    return picked


def cut(entities, mentions, config, rng):
    """Rows of the KB that are kept: gold entities, rivals by name, random ones."""
    row_of = {entity["id"]: row for row, entity in enumerate(entities)}
    called, forms = defaultdict(list), []
    for row, entity in enumerate(entities):
        forms.append({normal_form(n) for n in [entity["title"], *entity["aliases"]]})
        for form in forms[row]:
            called[form].append(row)
    kept, seen = set(), set()
    for mention in mentions:
        gold = row_of[mention["entityId"]]
        kept.add(gold)
        for form in {normal_form(mention["text"])} | forms[gold]:
            if form not in seen:
                seen.add(form)
                kept.update(called[form][: config.rivals])
    others = [row for row in range(len(entities)) if row not in kept]
    rng.shuffle(others)
    return sorted(kept | set(others[: max(config.random_entities, config.entities - len(kept))]))


def ragged(rows, dtype):
    """Lists of numbers -> all of them in one array, and where each list begins [n + 1]"""
    offsets = np.cumsum([0] + [len(row) for row in rows])
    flat = np.concatenate([np.asarray(row, dtype) for row in rows]) if rows else np.zeros(0, dtype)
    return flat, offsets


def mentions_of(document, number, offsets, row_of, is_dev):
    """[document, first piece, end piece, row of gold or -1 (NIL), is dev, start, end in code points]"""
    text = document["text"]
    for mention in document["mentions"]:
        start, end = code_points(text, mention["start"]), code_points(text, mention["end"])
        a, b = span_of(offsets, start, end)
        if a < b:
            gold = row_of[mention["entityId"]] if mention["entityId"] is not None else -1
            yield [number, a, b, gold, is_dev, start, end]


def make_world(world, config, pieces, path):
    rng = random.Random(config.seed)
    folder = f"{config.data}/{world}"
    train_files = TRAIN_FILES.get(world, ("train",))
    files = [f"{folder}/{n}.jsonl.gz" for n in ("entities", *train_files, "dev")]
    meta = json.dumps({"config": asdict(config), "world": world, "data": sha256_of(files)})
    if os.path.exists(path) and str(np.load(path)["meta"]) == meta:
        return print(world, "is there", flush=True)

    train = [d for file in files[1:-1] for d in read_jsonl(file)]
    picked = sample_documents(train, config.train_mentions, rng)
    dev = sample_documents(read_jsonl(files[-1]), config.dev_mentions, rng)
    entities = read_jsonl(files[0])
    linkable = [m for d in picked + dev for m in d["mentions"] if m["entityId"] is not None]
    entities = [entities[row] for row in cut(entities, linkable, config, rng)]
    row_of = {entity["id"]: row for row, entity in enumerate(entities)}

    documents = picked + dev
    tokenised = [pieces.of(d["text"]) for d in documents]
    mentions = [
        mention
        for at, (document, (_, offsets)) in enumerate(zip(documents, tokenised))
        for mention in mentions_of(document, at, offsets, row_of, at >= len(picked))
    ]
    laid_out = entities_ids(pieces, entities)
    out = {"mentions": np.array(mentions, np.int32)}
    surfaces = [documents[m[0]]["text"][m[5] : m[6]] for m in mentions]
    for name, rows, dtype in (
        ("pieces", [ids for ids, _ in tokenised], np.uint16),
        ("entity_ids", [ids for ids, _ in laid_out], np.uint16),
        ("entity_sparse", [entity_features(e) for e in entities], np.uint16),
        ("mention_sparse", [mention_features(s) for s in surfaces], np.uint16),
    ):
        out[name], out[f"{name}_offsets"] = ragged(rows, dtype)
    out["title_pieces"] = np.array([title for _, title in laid_out], np.int16)
    texts = json.dumps([d["text"] for d in documents])
    np.savez(f"{path}.part.npz", meta=meta, texts=texts, entities=json.dumps(entities), **out)
    os.replace(f"{path}.part.npz", path)
    count = len(mentions)
    print(f"{world}: {len(entities)} entities, {count} mentions, {len(out['pieces'])} pieces", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--worlds", nargs="*", default=WORLDS)
    for name, default in asdict(Config()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    out, worlds = options.pop("out"), options.pop("worlds")
    config = Config(**options)
    os.makedirs(out, exist_ok=True)
    pieces = Pieces(config.vocabulary)
    for world in worlds:
        make_world(world, config, pieces, f"{out}/{world}.npz")


if __name__ == "__main__":
    main()
