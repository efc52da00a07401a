"""Other linkers as processes that `dist/bench/peers.js` asks in turns, one document at a time.

    python speed.py prepare LINKER FOLDER [--train-seconds 60] [--seed 1] [--threads 2]
    python speed.py serve LINKER FOLDER [--threads 2]

FOLDER holds entities.jsonl, train.jsonl, and what `prepare` made. `serve` writes a line when it can be asked, then reads a
document a line and answers each with the ids that it links the mentions to, null where it has none.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass, field


@dataclass
class World:
    entities: list
    row_of: dict
    train: list = field(default_factory=list)
    train_documents: list = field(default_factory=list)
    train_seconds: float = 0


def linker_class(name):
    """Imported late: a process is as large as what it needs."""
    if name in ("top100", "top10"):
        from pipeline import Pipeline

        return Pipeline
    if name == "spacy":
        from spacy_linker import SpacyLinker

        return SpacyLinker
    from names import Bm25Linker, TrigramLinker

    return {"trigrams": TrigramLinker, "bm25": Bm25Linker}[name]


def use_threads(name, threads):
    if name in ("top100", "top10"):
        import faiss
        import torch

        torch.set_num_threads(threads)
        faiss.omp_set_num_threads(threads)


def open_linker(name, world, folder):
    pairs = {"top100": [100], "top10": [10]}.get(name, [])
    return linker_class(name)(world, folder, *pairs)


def serve(linker, world, answers):
    from worlds import mentions_of

    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        document = json.loads(line)
        rows = linker.link(document, list(mentions_of(document, world.row_of)))
        ids = [None if row is None else world.entities[row].id for row in rows]
        print(json.dumps(ids), file=answers, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("do", choices=["prepare", "serve"])
    parser.add_argument("linker", choices=["top100", "top10", "spacy", "trigrams", "bm25"])
    parser.add_argument("folder")
    parser.add_argument("--train-seconds", type=float, default=60, help="of spaCy's linker")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    # Libraries may write to stdout what they like.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    from worlds import read_entities, read_lines, read_mentions

    entities = read_entities(os.path.join(args.folder, "entities.jsonl"))
    world = World(entities, {entity.id: row for row, entity in enumerate(entities)})
    use_threads(args.linker, args.threads)
    if args.do == "serve":
        serve(open_linker(args.linker, world, args.folder), world, answers)
        return
    train = os.path.join(args.folder, "train.jsonl")
    world.train, world.train_documents = read_mentions(train, world.row_of), read_lines(train)
    world.train_seconds = args.train_seconds
    linker_class(args.linker).prepare(world, args.folder, args.seed)


if __name__ == "__main__":
    main()
