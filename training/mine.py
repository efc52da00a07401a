"""Step 3: the candidates that the cross-encoder will meet: hybrid lists of the current dual encoder.

    python mine.py --worlds RUNS/worlds --model ../models/referent-v1 --out RUNS/candidates [--only mdn rpg ...]

One world is one file `<world>.npz`, read by `mentions.py`: the ids of the cut KB's entities, their vectors,
and per mention its pieces, gold and best candidates. A file made with the same configuration, model and data
is not made again.
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
from texts import CONTEXT_IDS, sha256_of
from worlds import World, paths_in


@dataclass
class Config:
    seed: int = 17
    train_mentions: int = 5000  # a world
    dev_mentions: int = 400
    candidates: int = 24  # K
    small_worlds: tuple = ("attack", "foldoc")  # nearly solved by their names: few mentions do
    small_mentions: int = 700


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


def sampled(world, config):
    """Numbers of mentions, whole runs of a document's mentions, so that they share passes."""
    most = config.small_mentions if world.name in config.small_worlds else config.train_mentions
    rng = random.Random(config.seed)
    for split, count in ((world.train, most), (world.dev, config.dev_mentions)):
        by_document = defaultdict(list)
        for mention in split.tolist():
            by_document[world.mentions[mention, 0] * 100 + world.mentions[mention, 1] // 80].append(mention)
        order, picked = list(by_document), []
        rng.shuffle(order)
        for key in order:
            if len(picked) >= count:
                break
            picked += by_document[key]
        yield from sorted(picked[:count])


def make_world(world, config, dual, meta, path):
    laid_out = [
        (world.entity_ids(row).tolist(), int(world.title_pieces[row]))
        for row in range(len(world.entities))
    ]
    sparse = [world.row("entity_sparse", row).tolist() for row in range(len(laid_out))]
    vectors = dual.entities(laid_out, sparse)  # [E, D]
    hybrid = Hybrid(world.entities, vectors, dual.manifest["calibration"]["ranking"])
    text_hash = np.array([zlib.crc32(np.array(ids, np.uint16).tobytes()) for ids, _ in laid_out])

    picked = list(sampled(world, config))
    used = sorted({int(d) for d in world.mentions[picked, 0]})
    number = {d: at for at, d in enumerate(used)}
    documents = [world.pieces(d).tolist() for d in used]
    spans = [(number[int(d)], int(a), int(b)) for d, a, b, *_ in world.mentions[picked]]
    mention_sparse = [world.row("mention_sparse", m).tolist() for m in picked]
    queries = dual.mentions(documents, spans, mention_sparse)  # [M, D]

    writer = Writer()
    for vector, mention in zip(queries, picked):
        d, a, b, gold, is_dev, start, end = world.mentions[mention].tolist()
        scores = hybrid.scores(world.texts[d], start, end, vector)  # [E]
        order = np.argsort(-scores, kind="stable")[: 2 * config.candidates]
        # An entity with the gold one's very text cannot be told from it: no negative to learn from.
        twin = (text_hash[order] == text_hash[gold]) & (order != gold) & (gold >= 0)
        order = (order if is_dev else order[~twin])[: config.candidates]
        writer.add(
            world.pieces(d),
            a,
            b,
            gold=gold,
            gold_score=scores[gold] if gold >= 0 else -1,
            candidates=order,
            scores=scores[order],
            is_dev=bool(is_dev),
        )
    out = writer.arrays()
    out["entity_ids"] = np.concatenate([np.array(ids, np.uint16) for ids, _ in laid_out])
    out["entity_offsets"] = np.cumsum([0] + [len(ids) for ids, _ in laid_out])
    np.savez(f"{path}.part.npz", meta=meta, vectors=vectors.astype(np.float16), **out)
    os.replace(f"{path}.part.npz", path)
    first, dev = out["candidates"][:, 0] == out["gold"], out["is_dev"]
    print(f"{world.name}: {len(laid_out)} entities, {len(picked)} mentions, first right:", end=" ")
    print(f"train {first[~dev].mean():.3f} dev {first[dev].mean():.3f} of {dev.sum()}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", required=True)
    parser.add_argument("--model", default="../models/referent-v1")
    parser.add_argument("--out", required=True)
    parser.add_argument("--only", nargs="*")
    for name, default in asdict(Config()).items():
        if isinstance(default, (int, str)):
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    folder, model, out, only = (options.pop(key) for key in ("worlds", "model", "out", "only"))
    config = Config(**options)
    os.makedirs(out, exist_ok=True)
    dual = DualEncoder(model)
    for source in paths_in(folder, only):
        path = os.path.join(out, os.path.basename(source))
        made_from = {"config": asdict(config), "model": dual.manifest["version"]}
        meta = json.dumps(made_from | {"data": sha256_of([source])})
        if os.path.exists(path) and str(np.load(path)["meta"]) == meta:
            print(path, "is there", flush=True)
        else:
            make_world(World(source), config, dual, meta, path)


if __name__ == "__main__":
    main()
