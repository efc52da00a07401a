"""Small worlds for experiments: few mentions, cut KBs, short texts, so that a run takes minutes of one core.

A mention has a window of its own; an entity's ids are cut short. The KB keeps the gold entities of the sampled
mentions, the current model's best candidates of each (so that what is hard stays hard), and random entities.
How a recall is measured is here too: exact search, ranks a mention, the standard error of a share.

Legend: E entities of a small KB, M mentions, H = 384 hidden, D dimensions
"""

import os
import pickle
import random
import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

import mine
from model import collate_rows, entity_parts, mention_parts
from retriever import batches_by_length
from sparse import padded_features
from texts import CLS, SEP
from worlds import World

NAMESAKES = tuple(f"namesakes-{x}" for x in "fiction life people places products software".split())
WORLDS = ("mdn", "rpg", "disease", "wordnet", *NAMESAKES)


@dataclass(frozen=True)
class Paths:
    runs: str  # holds worlds (step 1), candidates (step 3), experiments
    v0: str = "../../shared/models/v0"

    def of(self, *names):
        return os.path.join(self.runs, *names)


@dataclass
class SmallConfig:
    seed: int = 17
    mentions: int = 300  # of each split, of a world; the six written worlds share them
    entities: int = 1000  # of a KB; the written worlds are smaller
    candidates: int = 4  # of a train mention that stay in the KB
    dev_candidates: int = 2
    window_pieces: int = 24
    entity_ids: int = 24


@dataclass
class Mentions:
    """One split of a world."""

    number: np.ndarray  # [M] place in the candidate file of step 3
    windows: list  # [M] ids
    first: torch.Tensor  # [M] the mention is window[first:end]
    end: torch.Tensor
    gold: torch.Tensor  # [M] row of the small KB
    sparse: torch.Tensor  # [M, S]
    candidates: list  # [M] (row of the candidate file's KB, retrieval score), best first

    def __len__(self):
        return len(self.windows)


@dataclass
class Small:
    name: str
    rows: np.ndarray  # [E] row of the world's cut KB
    ids: list  # [E]
    titles: torch.Tensor  # [E] pieces of each title
    sparse: torch.Tensor  # [E, S]
    text: torch.Tensor  # [E] hash of the ids: who has gold's very text cannot be told from it
    train: Mentions
    dev: Mentions

    @property
    def group(self):
        return self.name.split("-")[0]


def share_of(name, count):
    return count // len(NAMESAKES) if name.startswith("namesakes") else count


@cache
def candidate_columns(paths, name):
    file = np.load(paths.of("candidates", f"{name}.npz"))
    return {key: file[key] for key in ("gold", "is_dev", "candidates", "scores", "vectors")}


@cache
def full_world(paths, name):
    """The prepared world, its candidate file's columns, and the mention of each of the file's rows."""
    world = World(paths.of("worlds", f"{name}.npz"))
    columns = candidate_columns(paths, name)
    picked = np.array(list(mine.sampled(world, mine.Config())))
    if (world.mentions[picked, 3] != columns["gold"]).any():
        raise SystemExit(f"{name}: the candidate file is not of this world; run mine.py again")
    return world, columns, picked


def sampled(columns, name, config):
    """Rows of the candidate file, train and dev, with an entity each."""
    count = share_of(name, config.mentions)
    for is_dev in (False, True):
        rows = np.flatnonzero((columns["is_dev"] == is_dev) & (columns["gold"] >= 0)).tolist()
        yield sorted(random.Random(config.seed).sample(rows, min(count, len(rows))))


def kept_rows(world, columns, train, dev, config):
    kept = set(columns["gold"][train + dev].tolist())
    kept.update(columns["candidates"][train, : config.candidates].ravel().tolist())
    kept.update(columns["candidates"][dev, : config.dev_candidates].ravel().tolist())
    others = [row for row in range(len(world.entities)) if row not in kept]
    random.Random(config.seed).shuffle(others)
    return np.array(sorted(kept | set(others[: max(0, config.entities - len(kept))])))


def cut(ids, most):
    return ids if len(ids) <= most else [*ids[: most - 1], SEP]


def window_of(pieces, a, b, most):
    """The mention in the middle. -> ids, first, end"""
    b = min(b, a + most)
    begin = max(0, min((a + b - most) // 2, len(pieces) - most))
    window = [CLS, *pieces[begin : begin + most], SEP]
    return window, a - begin + 1, b - begin + 1


def mentions_of(world, columns, picked, rows, row_of, config):
    windows = []
    for d, a, b in world.mentions[picked[rows], :3].tolist():
        windows.append(window_of(world.pieces(d).tolist(), a, b, config.window_pieces))
    ids, first, end = zip(*windows)
    gold = [row_of[row] for row in columns["gold"][rows].tolist()]
    features = padded_features([world.row("mention_sparse", m).tolist() for m in picked[rows]])
    candidates = [
        [(row_of[row], score) for row, score in zip(*pair) if row in row_of]
        for pair in zip(columns["candidates"][rows].tolist(), columns["scores"][rows].tolist())
    ]
    numbers = [torch.tensor(column) for column in (first, end, gold)]
    return Mentions(np.array(rows), list(ids), *numbers, torch.from_numpy(features), candidates)


def make_small(paths, name, config):
    world, columns, picked = full_world(paths, name)
    train, dev = sampled(columns, name, config)
    rows = kept_rows(world, columns, train, dev, config)
    row_of = {row: at for at, row in enumerate(rows.tolist())}
    ids = [cut(world.entity_ids(row).tolist(), config.entity_ids) for row in rows]
    text = [zlib.crc32(np.array(x, np.uint16).tobytes()) for x in ids]
    features = padded_features([world.row("entity_sparse", row).tolist() for row in rows])
    titles = torch.tensor([min(int(world.title_pieces[r]), len(x) - 2) for r, x in zip(rows, ids)])
    splits = [mentions_of(world, columns, picked, split, row_of, config) for split in (train, dev)]
    return Small(name, rows, ids, titles, torch.from_numpy(features), torch.tensor(text), *splits)


@cache
def small_worlds(paths):
    """Name -> small world; made once, then read."""
    path = paths.of("experiments", "small.pkl")
    if not os.path.exists(path):
        worlds = {name: make_small(paths, name, SmallConfig()) for name in WORLDS}
        with open(f"{path}.part", "wb") as file:
            pickle.dump(worlds, file)
        os.replace(f"{path}.part", path)
    with open(path, "rb") as file:
        return pickle.load(file)


# ---- encoding ----


@torch.no_grad()
def encoded(trunk, rows, pool, tokens=4096):
    """Rows of ids -> what `pool(hidden [B, T, H], positions of the batch)` makes of them [N, ...]"""
    parts, order = [], []
    for at in batches_by_length(np.array([len(row) for row in rows]), tokens):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = trunk(*collate_rows([rows[i] for i in at]))
        parts.append(pool(hidden.float(), torch.from_numpy(at)))
        order.append(at)
    return torch.cat(parts)[torch.from_numpy(np.argsort(np.concatenate(order)))]


def parts_of_entities(trunk, ids, titles):
    """-> [E, 4, H]: [CLS], title, all, all after the title"""
    lengths = torch.tensor([len(row) for row in ids])
    return encoded(trunk, ids, lambda h, at: entity_parts(h, lengths[at], titles[at]))


def parts_of_mentions(trunk, mentions):
    """-> [M, 4, H]: mean of the span, first, last, [CLS]"""

    def pool(hidden, at):
        return mention_parts(hidden, torch.arange(len(at)), mentions.first[at], mentions.end[at])

    return encoded(trunk, mentions.windows, pool)


# ---- measuring ----


def ranks_of(queries, vectors, gold):
    """[M, D], [E, D], [M] -> how many entities lie nearer than gold [M]; one with its very vector does not."""
    scores = queries @ vectors.T  # [M, E]
    of_gold = scores[np.arange(len(gold)), gold][:, None]
    return (scores > of_gold + 1e-6).sum(1)


def recall(ranks, k):
    return float((np.asarray(ranks) < k).mean())


def standard_error(share, n):
    """Of a share over n mentions."""
    return (share * (1 - share) / n) ** 0.5


def paired_difference(ranks, reference, k=1):
    """Difference of two recalls on the same mentions, and its standard error (of the mean of -1, 0, 1)."""
    change = (np.asarray(ranks) < k).astype(float) - (np.asarray(reference) < k)
    return float(change.mean()), float(change.std() / len(change) ** 0.5)
