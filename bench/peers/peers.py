"""Other tools on the mentions of docs/accuracy.md: `npm run bench:peers`, which makes PLAN and this environment.

    python peers.py PLAN [--worlds craft disease] [--train-mentions 2000] [--most-entities 50000] [--seed 1]

PLAN is what `dist/bench/worlds.js --plan` writes: of each world its files, the sample, and where the figures go.
Worlds with more entities are measured by char 3-grams only: MiniLM would encode some hundred entities a second.
"""

import argparse
import json
import os
from dataclasses import dataclass

import crossencoder
from minilm import MiniLm
from trigrams import Trigrams
from worlds import read_entities, read_mentions, recall, rows_by_name, sample, sha256_of


@dataclass
class World:
    plan: dict
    entities: list
    mentions: list  # the sample
    train: list
    figures: dict
    read: list = None  # rows that the cross-encoder reads of each mention
    train_read: list = None


def load(plan, train_mentions, seed):
    entities = read_entities(plan["entities"])
    row_of = {entity.id: row for row, entity in enumerate(entities)}
    mentions = read_mentions(plan["sample"], row_of)
    train = sample(read_mentions(plan["train"], row_of), train_mentions, seed)
    figures = {"sample": sha256_of(plan["sample"]), "mentions": len(mentions), "miniLm": None, "crossEncoder": None}
    return World(plan, entities, mentions, train, figures)


def measure_minilm(world, model):
    """Leaves the lists that the cross-encoder will read."""
    vectors = model.encode([entity.text for entity in world.entities])
    ranked = model.candidates(world.mentions, vectors)
    world.figures["miniLm"] = recall(ranked, world.mentions)
    by_name = rows_by_name(world.entities)
    world.read = crossencoder.to_read(world.mentions, ranked, by_name)
    nearest = model.candidates(world.train, vectors, crossencoder.CANDIDATES)
    world.train_read = crossencoder.to_read(world.train, nearest, by_name)


def measure_crossencoder(worlds, seed):
    """One model for all worlds, as ours is."""
    pairs = [
        pair
        for world in worlds
        for pair in crossencoder.labelled_pairs(world.train, world.train_read, world.entities, seed)
    ]
    train_mentions = sum(len(world.train) for world in worlds)
    model = crossencoder.train(pairs, seed)
    for world in worlds:
        ranked = crossencoder.rerank(model, world.mentions, world.read, world.entities)
        world.figures["crossEncoder"] = {
            "accuracy": recall(ranked, world.mentions)[0],
            "pairsPerMention": sum(map(len, world.read)) / len(world.read),
            "trainMentions": train_mentions,
            "trainPairs": len(pairs),
        }
        write(world)


def write(world):
    os.makedirs(os.path.dirname(world.plan["out"]), exist_ok=True)
    with open(world.plan["out"], "w", encoding="utf-8") as file:
        json.dump(world.figures, file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("plan")
    parser.add_argument("--worlds", nargs="*", help="only these")
    parser.add_argument("--train-mentions", type=int, default=2000, help="of all worlds together")
    parser.add_argument("--most-entities", type=int, default=50000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with open(args.plan, encoding="utf-8") as file:
        plans = [plan for plan in json.load(file) if not args.worlds or plan["world"] in args.worlds]
    small, model = [], MiniLm()
    for plan in plans:
        print("#", plan["world"], flush=True)
        world = load(plan, args.train_mentions // len(plans), args.seed)
        world.figures["charTrigrams"] = recall(Trigrams(world.entities).candidates(world.mentions), world.mentions)
        if len(world.entities) <= args.most_entities:
            measure_minilm(world, model)
            small.append(world)
        write(world)
    if small:
        measure_crossencoder(small, args.seed)


if __name__ == "__main__":
    main()
