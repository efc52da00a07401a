"""Experiments that train a trunk: shared or separate towers, rounds of hard negatives, three layers or six.

All start from all-MiniLM-L6-v2 with mean pooling and a projection that starts as the identity, and see the same
mentions, worlds and numbers of entities in the same order; one field of the config differs.

References
    shared and separate towers: Dong et al. 2022, https://arxiv.org/abs/2204.07120, fig. 1
    rounds of hard negatives: Gillick et al. 2019, https://arxiv.org/abs/1909.10506
"""

import random
import time
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from model import HIDDEN, collate_rows, entity_parts, mention_parts
from runs import rate_at
from small import WORLDS, parts_of_entities, parts_of_mentions, ranks_of, small_worlds
from states import start_states, start_trunk


@dataclass
class TrunkConfig:
    seed: int = 1
    # what differs
    towers: str = "shared"  # shared, separate, tokens shared, tokens frozen, projection shared
    rounds: int = 1  # of hard negatives: 0 random ones; 1 mined by the start; 2 mined again half-way
    layers: int = 6
    # a step, of one world
    mentions: int = 16
    hard: int = 24  # entities beside the gold ones
    near: int = 12  # hard ones are drawn from so many nearest wrong entities
    # optimiser
    steps: int = 60
    warm_up: int = 6
    tail: float = 0.7
    rate_trunk: float = 5e-5
    rate_head: float = 4e-4
    weight_decay: float = 0.01
    clip: float = 1.0


CONFIGS = {
    "towers-shared": TrunkConfig(),
    "towers-separate": TrunkConfig(towers="separate"),
    "towers-projection-shared": TrunkConfig(towers="projection shared"),
    "negatives-0": TrunkConfig(rounds=0),
    "layers-3": TrunkConfig(layers=3),
    "negatives-2": TrunkConfig(rounds=2),
    "towers-tokens-shared": TrunkConfig(towers="tokens shared"),
    "towers-tokens-frozen": TrunkConfig(towers="tokens frozen"),
    "seed-2": TrunkConfig(seed=2),  # what chance alone does
}


class Towers(nn.Module):
    """Token embedder, transformer, mean pooling, projection for each side; some of them one and the same."""

    def __init__(self, config):
        super().__init__()
        self.text, self.text_projection = start_trunk(config.layers), identity()
        self.entity, self.entity_projection = self.text, self.text_projection
        if config.towers != "shared":
            self.entity = start_trunk(config.layers)
        if config.towers == "tokens shared":
            self.entity.word = self.text.word
        if config.towers == "tokens frozen":
            self.text.word.requires_grad_(False)
            self.entity.word.requires_grad_(False)
        if config.towers not in ("shared", "projection shared"):
            self.entity_projection = identity()
        self.log_scale = nn.Parameter(torch.tensor(3.2))

    def mentions(self, parts):
        """[M, 4, H] -> unit [M, H]: the mean of the span"""
        return F.normalize(self.text_projection(parts[:, 0]), dim=-1)

    def entities(self, parts):
        """[E, 4, H] -> unit [E, H]: the mean of all ids"""
        return F.normalize(self.entity_projection(parts[:, 2]), dim=-1)


def identity():
    projection = nn.Linear(HIDDEN, HIDDEN)
    nn.init.eye_(projection.weight)
    nn.init.zeros_(projection.bias)
    return projection


class Stream:
    """Batches in an order that depends on the seed alone."""

    def __init__(self, worlds, config):
        self.worlds, self.config = worlds, config
        self.rng, self.queues = random.Random(config.seed), {name: [] for name in worlds}
        self.groups = sorted({world.group for world in worlds.values()})

    def batch(self, step):
        """-> world, places of train mentions"""
        group = self.groups[step % len(self.groups)]
        world = self.rng.choice([w for w in self.worlds.values() if w.group == group])
        queue, count = self.queues[world.name], self.config.mentions
        if len(queue) < count:
            queue[:] = self.rng.sample(range(len(world.train)), len(world.train))
        picked, queue[:] = queue[:count], queue[count:]
        return world, picked

    def others(self, world, picked, nearest):
        """Rows of entities beside gold: nearest wrong ones, or random ones where there are none."""
        gold = set(world.train.gold[picked].tolist())
        if nearest is None:
            pool = [row for row in range(len(world.ids)) if row not in gold]
            return self.rng.sample(pool, self.config.hard)
        pool = {r for m in picked for r in self.rng.sample(nearest[world.name][m], 3)} - gold
        return self.rng.sample(sorted(pool), min(self.config.hard, len(pool)))


def nearest_wrong(world, queries, vectors, count):
    """Rows of the nearest wrong entities of each train mention; none with gold's very text."""
    scores = queries @ vectors.T  # [M, E]
    scores[world.text[world.train.gold][:, None] == world.text[None]] = -9
    return scores.topk(count, 1).indices.tolist()


@torch.no_grad()
def mined_at_start(paths, worlds, config):
    """By the untrained trunk; its states are there already."""
    out = {}
    for name, world in worlds.items():
        states = start_states(paths, name)
        queries, vectors = (
            F.normalize(states[k][:, part], dim=-1) for k, part in (("train", 0), ("entities", 2))
        )
        out[name] = nearest_wrong(world, queries, vectors, config.near)
    return out


@torch.no_grad()
def mined(model, worlds, config):
    out = {}
    for name, world in worlds.items():
        queries = model.mentions(parts_of_mentions(model.text, world.train))
        vectors = model.entities(parts_of_entities(model.entity, world.ids, world.titles))
        out[name] = nearest_wrong(world, queries, vectors, config.near)
    return out


def loss_of(model, world, picked, others):
    mentions, gold = world.train, world.train.gold[picked]
    unique = gold.unique()
    rows = torch.cat([unique, torch.tensor(others)])  # [n]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        text = model.text(*collate_rows([mentions.windows[m] for m in picked]))
        entity = model.entity(*collate_rows([world.ids[row] for row in rows]))
    index = torch.arange(len(picked)), mentions.first[picked], mentions.end[picked]
    lengths = torch.tensor([len(world.ids[row]) for row in rows])
    queries = model.mentions(mention_parts(text.float(), *index))  # [M, H]
    vectors = model.entities(entity_parts(entity.float(), lengths, world.titles[rows]))  # [n, H]
    logits = queries @ vectors.T * model.log_scale.exp()  # [M, n]
    target = torch.searchsorted(unique, gold)
    twins = world.text[gold][:, None] == world.text[rows][None]
    twins[torch.arange(len(gold)), target] = False
    return F.cross_entropy(logits.masked_fill(twins, -1e4), target)


def optimiser_of(model, config):
    trained = [item for item in model.named_parameters() if item[1].requires_grad]
    trunk = [p for name, p in trained if name.startswith(("text.", "entity."))]
    head = [p for name, p in trained if not name.startswith(("text.", "entity."))]
    groups = [{"params": trunk, "peak": config.rate_trunk}, {"params": head, "peak": config.rate_head}]
    options = {"betas": (0.9, 0.98), "weight_decay": config.weight_decay, "fused": True}
    return torch.optim.AdamW(groups, lr=0.0, **options)


def learn(model, optimiser, loss, step, config):
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * rate_at(step, config)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def train(paths, worlds, config):
    torch.manual_seed(config.seed)
    model, stream = Towers(config), Stream(worlds, config)
    optimiser, losses = optimiser_of(model, config), []
    nearest = mined_at_start(paths, worlds, config) if config.rounds else None
    for step in range(config.steps):
        if config.rounds == 2 and step == config.steps // 2:
            nearest = mined(model, worlds, config)
        world, picked = stream.batch(step)
        loss = loss_of(model, world, picked, stream.others(world, picked, nearest))
        learn(model, optimiser, loss, step, config)
        losses.append(loss.item())
    return model, losses


@torch.no_grad()
def measured(model, worlds):
    """Ranks of the dev mentions, vectors, ids encoded in a second of CPU."""
    ranks, vectors, tokens, began = {}, {}, 0, time.process_time()
    for name, world in worlds.items():
        queries = model.mentions(parts_of_mentions(model.text, world.dev))
        entities = model.entities(parts_of_entities(model.entity, world.ids, world.titles))
        ranks[name] = ranks_of(queries.numpy(), entities.numpy(), world.dev.gold.numpy()).tolist()
        vectors[name] = queries.numpy(), entities[world.dev.gold].numpy()
        tokens += sum(map(len, world.ids)) + sum(map(len, world.dev.windows))
    return ranks, vectors, tokens / (time.process_time() - began)


def run(paths, name):
    config, worlds = CONFIGS[name], small_worlds(paths)
    began = time.process_time()
    model, losses = train(paths, worlds, config)
    trained = time.process_time() - began
    ranks, vectors, speed = measured(model, worlds)
    pairs = {f"{side} {n}": x for n, both in vectors.items() for side, x in zip(("mentions", "gold"), both)}
    np.savez(paths.of("experiments", f"{name}.npz"), **pairs)
    row = {"label": name, "ranks": ranks, "config": asdict(config), "ids_a_second": speed}
    row |= {"training": trained, "loss": float(np.mean(losses[-10:]))}
    row["parameters"] = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {"rows": [row]}


def untrained(paths):
    """Where all start: mean pooling of the untrained trunk."""
    ranks = {}
    for name, world in small_worlds(paths).items():
        states = start_states(paths, name)
        queries, vectors = (
            F.normalize(states[k][:, part], dim=-1) for k, part in (("dev", 0), ("entities", 2))
        )
        ranks[name] = ranks_of(queries.numpy(), vectors.numpy(), world.dev.gold.numpy()).tolist()
    return {"rows": [{"label": "untrained", "ranks": ranks}]}


# ---- the picture ----

PICTURED = {"towers-shared": "one tower (SDE)", "towers-separate": "two towers (ADE)"}
PICTURED |= {"towers-projection-shared": "two towers, one projection (ADE-SPL)"}


def picture(paths, file, most=250):
    """t-SNE of dev mentions and their gold entities, and a linear probe: can a side be told from its vector?"""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from sklearn.manifold import TSNE

    figure, axes = plt.subplots(1, len(PICTURED), figsize=(3.2 * len(PICTURED), 3.2), layout="constrained")
    told = {}
    for axis, (name, title) in zip(axes, PICTURED.items()):
        mentions, gold = sides(paths, name, most)
        told[name] = told_apart(mentions, gold)
        at = TSNE(init="pca", perplexity=30, random_state=0).fit_transform(np.concatenate([mentions, gold]))
        for points, label in ((at[: len(mentions)], "mentions"), (at[len(mentions) :], "their entities")):
            axis.scatter(*points.T, s=4, alpha=0.7, label=label, linewidths=0)
        axis.set(xticks=[], yticks=[])
        axis.set_title(title, fontsize=9)
    axes[0].legend(fontsize=7, loc="lower left", markerscale=2)
    figure.savefig(file, dpi=110)
    plt.close(figure)
    return {"told": told, "shown": len(mentions)}


def sides(paths, name, most):
    """Dev mentions and their entities, the same of each world."""
    file = np.load(paths.of("experiments", f"{name}.npz"))
    rng = np.random.default_rng(0)
    picked = {w: rng.permutation(len(file[f"mentions {w}"])) for w in WORLDS}
    each = {w: p[: max(1, int(most * len(p) / sum(map(len, picked.values()))))] for w, p in picked.items()}
    return [
        np.concatenate([file[f"{side} {w}"][p] for w, p in each.items()]) for side in ("mentions", "gold")
    ]


def told_apart(mentions, gold):
    """Share of held-out vectors whose side a logistic regression names rightly; 0.5: the sides lie together."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    x = np.concatenate([mentions, gold])
    y = np.repeat([0, 1], [len(mentions), len(gold)])
    return float(cross_val_score(LogisticRegression(C=10, max_iter=300), x, y, cv=4).mean())
