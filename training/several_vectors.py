"""One vector an entity, or several: the best of an entity's vectors counts. Nothing is trained.

several vectors an entity: Luan et al. 2021, https://arxiv.org/abs/2005.00181
"""

import numpy as np
import torch

from model import entity_parts
from small import encoded, full_world, small_worlds
from sparse import MAX_FEATURES
from states import v0, v0_vectors
from texts import DESCRIPTION_CHARS, MIDDLE_PIECES, Pieces, entity_ids, middle_of

WORLDS = ("mdn", "rpg", "disease")  # with descriptions
PARTS, PART_PIECES = 2, 40
SETS = {"all": ["all"], "name": ["name"], "first part": ["first"], "name, all": ["name", "all"]}
SETS |= {"all, parts": ["all", "parts"], "name, parts": ["name", "parts"]}


def several_vectors(paths):
    """The best of an entity's vectors counts. The encoder is v0's, trained with one vector an entity."""
    pieces = Pieces(f"{paths.v0}/vocab.txt")
    rows = {label: {"label": label, "ranks": {}, "vectors": 0, "entities": 0} for label in SETS}
    for name in WORLDS:
        world, _, _ = full_world(paths, name)
        small, found = small_worlds(paths)[name], v0_vectors(paths, name)
        entities = [world.entities[row] for row in small.rows]
        of = {kind: vectors_of_kind(paths, pieces, entities, kind) for kind in ("name", "parts")}
        of |= {"all": [found.entities[[row]] for row in small.rows], "first": [x[:1] for x in of["parts"]]}
        for label, kinds in SETS.items():
            sets = [np.concatenate(x) for x in zip(*(of[kind] for kind in kinds))]
            rows[label]["ranks"][name] = best_of_several(found, small, sets).tolist()
            rows[label]["vectors"] += sum(len(x) for x in sets)
            rows[label]["entities"] += len(sets)
    return {"rows": list(rows.values())}


def best_of_several(found, small, sets):
    """Ranks [M] of gold by the largest cosine over each entity's vectors."""
    starts = np.cumsum([0] + [len(x) for x in sets[:-1]])
    scores = found.queries["dev"] @ np.concatenate(sets).T  # [M, vectors]
    best = np.maximum.reduceat(scores, starts, axis=1)  # [M, E]
    gold = small.dev.gold.numpy()
    return (best > best[np.arange(len(gold)), gold][:, None] + 1e-6).sum(1)


def vectors_of_kind(paths, pieces, entities, kind):
    """Each entity's vectors [n, D]: of its name, types and aliases, or of its title and each description part."""
    texts, owner = [], []
    for at, entity in enumerate(entities):
        for text in name_text(pieces, entity) if kind == "name" else part_texts(pieces, entity):
            texts.append(text)
            owner.append(at)
    vectors = entity_vectors(v0(paths), texts)
    return np.split(vectors, np.flatnonzero(np.diff(owner)) + 1)


def name_text(pieces, entity):
    return [entity_ids(pieces.of(entity["title"])[0], pieces.of(middle_of(entity))[0][:MIDDLE_PIECES], [])]


def part_texts(pieces, entity):
    title, description = (
        pieces.of(entity["title"])[0],
        pieces.of(entity["description"][:DESCRIPTION_CHARS])[0],
    )
    starts = range(0, max(1, min(len(description), PARTS * PART_PIECES)), PART_PIECES)
    return [entity_ids(title, [], description[i : i + PART_PIECES]) for i in starts]


@torch.no_grad()
def entity_vectors(dual, texts):
    """(ids, title pieces) of each -> unit vectors [N, D]"""
    ids, titles = [x for x, _ in texts], torch.tensor([title for _, title in texts])
    lengths = torch.tensor([len(x) for x in ids])
    parts = encoded(dual.trunk, ids, lambda h, at: entity_parts(h, lengths[at], titles[at]))
    nothing = torch.zeros(len(ids), MAX_FEATURES, dtype=torch.long)
    return dual.project(dual.entity_head(parts, nothing)).numpy()
