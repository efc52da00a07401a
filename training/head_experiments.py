"""Experiments on frozen states of the untrained trunk: only heads are trained, so a run takes half a minute.

Questions of this kind: which parts a head reads, sparse features, what a teacher adds. What a trunk would learn
to put where a head looks is not in them.

References
    compound heads, sparse features: Gillick et al. 2019, https://arxiv.org/abs/1909.10506, sec. 4.1
    distilling a cross-encoder into a dual encoder: Menon et al. 2022 (ICML),
        https://openreview.net/forum?id=bglU8l_Pq8Q
"""

import random
import time
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import mentions as candidate_files
from model import Compound
from retriever import session
from small import ranks_of, small_worlds
from states import kept, start_states
from texts import PAD
from trunk_experiments import identity, learn


@dataclass
class HeadConfig:
    seed: int = 1
    # what differs
    head: str = "compound"  # compound, mean, cls
    sparse: bool = False
    teacher: float = 0.0  # weight of the teacher's part of the loss
    # a step, of one world; the softmax is over the whole small KB
    mentions: int = 64
    sparse_dropout: float = 0.3  # of mentions and entities have no features in a step
    # teacher
    list_length: int = 4  # candidates of a train mention that the teacher scores
    fusion: float = 22.0  # v0's calibration: logit + 22 * (retrieval score - 0.6)
    teacher_scale: float = 1.215  # v0's calibration of the fused score
    # optimiser
    steps: int = 200
    warm_up: int = 10
    tail: float = 0.7
    rate_head: float = 4e-4
    weight_decay: float = 0.01
    clip: float = 1.0


CONFIGS = {
    "head-cls": HeadConfig(head="cls"),
    "head-mean": HeadConfig(head="mean"),
    "head-compound": HeadConfig(),
    "head-sparse": HeadConfig(sparse=True),
    "head-distilled": HeadConfig(teacher=1.0),
}
PARTS = {"mean": (0, 2), "cls": (3, 0)}  # of mention, of entity: mean of the span, of all; [CLS]


class Heads(nn.Module):
    """Both end in one projection that starts as the identity; a compound head starts as mean pooling."""

    def __init__(self, config):
        super().__init__()
        self.kind = config.head
        self.projection = identity()
        self.log_scale = nn.Parameter(torch.tensor(3.2))
        if config.head == "compound":
            self.mention_head, self.entity_head = pooling(PARTS["mean"][0]), pooling(PARTS["mean"][1])

    def forward(self, parts, sparse, side):
        """[N, 4, H], [N, S], 0 mentions or 1 entities -> unit [N, H]"""
        if self.kind == "compound":
            x = (self.mention_head, self.entity_head)[side](parts, sparse)
        else:
            x = parts[:, PARTS[self.kind][side]]
        return F.normalize(self.projection(x), dim=-1)


def pooling(part):
    head = Compound(4)
    nn.init.zeros_(head.fc2.weight)
    nn.init.zeros_(head.fc2.bias)
    with torch.no_grad():
        head.mix[part] = 1.0
    return head


def some(sparse, config):
    """In training: nothing for a share of rows; nothing at all without sparse features."""
    if not config.sparse:
        return torch.zeros_like(sparse)
    return sparse * (torch.rand(len(sparse), 1) >= config.sparse_dropout)


def loss_of(model, world, states, picked, teacher, config):
    queries = model(states["train"][picked], some(world.train.sparse[picked], config), 0)  # [M, H]
    vectors = model(states["entities"], some(world.sparse, config), 1)  # [E, H]
    logits = queries @ vectors.T * model.log_scale.exp()  # [M, E]
    gold = world.train.gold[picked]
    twins = world.text[gold][:, None] == world.text[None]
    twins[torch.arange(len(gold)), gold] = False
    loss = F.cross_entropy(logits.masked_fill(twins, -1e4), gold)
    if teacher is None:
        return loss
    rows, soft = teacher["rows"][picked], teacher["soft"][picked]  # [M, K]; nothing where not taught
    taught = soft.sum(1) > 0
    lists = F.log_softmax(logits.gather(1, rows)[taught], 1)
    return loss + config.teacher * F.kl_div(lists, soft[taught], reduction="sum") / max(1, len(picked))


def train(worlds, states, teachers, config):
    torch.manual_seed(config.seed)
    rng, model = random.Random(config.seed), Heads(config)
    group = {"params": list(model.parameters()), "peak": config.rate_head}
    optimiser = torch.optim.AdamW([group], lr=0.0, betas=(0.9, 0.98), weight_decay=config.weight_decay)
    groups = sorted({world.group for world in worlds.values()})
    for step in range(config.steps):
        group = groups[step % len(groups)]
        world = rng.choice([w for w in worlds.values() if w.group == group])
        picked = rng.sample(range(len(world.train)), min(config.mentions, len(world.train)))
        loss = loss_of(model, world, states[world.name], picked, teachers.get(world.name), config)
        learn(model, optimiser, loss, step, config)
    return model


@torch.no_grad()
def ranks_with(model, worlds, states, features):
    """features: (of mentions, of entities) -> what is known at test time"""
    ranks = {}
    for name, world in worlds.items():
        known = features(world)
        queries = model(states[name]["dev"], known[0], 0)
        vectors = model(states[name]["entities"], known[1], 1)
        ranks[name] = ranks_of(queries.numpy(), vectors.numpy(), world.dev.gold.numpy()).tolist()
    return ranks


def everything(world):
    return world.dev.sparse, world.sparse


def no_types(world):
    """The first feature is the shape of the name; the others are types."""
    shapes = world.sparse.clone()
    shapes[:, 1:] = 0
    return world.dev.sparse, shapes


def nothing(world):
    return torch.zeros_like(world.dev.sparse), torch.zeros_like(world.sparse)


def run(paths, name):
    config, worlds = CONFIGS[name], small_worlds(paths)
    states = {world: start_states(paths, world) for world in worlds}
    teachers = {world: taught(paths, world, config) for world in worlds} if config.teacher else {}
    began = time.process_time()
    model = train(worlds, states, teachers, config)
    trained = time.process_time() - began
    known = {name: nothing}
    if config.sparse:
        known = {
            name: everything,
            "types dropped at test time": no_types,
            "all dropped at test time": nothing,
        }
    rows = [{"label": k, "ranks": ranks_with(model, worlds, states, f)} for k, f in known.items()]
    rows[0] |= {"config": asdict(config), "training": trained}
    return {"rows": rows} | ({"teacher": teacher_quality(worlds, teachers)} if teachers else {})


# ---- the teacher ----


def taught(paths, name, config):
    """v0's cross-encoder, fused with the retrieval score, over the best candidates of the train mentions.

    rows [M, K] of the small KB, soft [M, K] the teacher's softmax; zeros for mentions without a teacher."""
    world = small_worlds(paths)[name]

    def make():
        cross = session(f"{paths.v0}/cross-encoder.onnx", threads=1)
        file = candidate_files.World(paths.of("candidates", f"{name}.npz"))
        mentions = all_mentions(file, paths.of("candidates", f"{name}.npz"))
        rows = torch.zeros(len(world.train), config.list_length, dtype=torch.long)
        soft = torch.zeros(len(world.train), config.list_length)
        for m in range(len(world.train)):
            listed = world.train.candidates[m][: config.list_length]
            if len(listed) == config.list_length:
                pairs = [
                    file.pair(mentions[world.train.number[m]], int(world.rows[row])) for row, _ in listed
                ]
                scores = torch.tensor([score for _, score in listed])
                fused = torch.from_numpy(logits_of(cross, pairs)) + config.fusion * (scores - 0.6)
                rows[m] = torch.tensor([row for row, _ in listed])
                soft[m] = torch.softmax(config.teacher_scale * fused, 0)
        return {"rows": rows, "soft": soft}

    return kept(paths.of("experiments", f"teacher-{name}.pt"), make)


def all_mentions(file, path):
    """The file's mentions in its own order; `World` splits them."""
    is_dev = np.load(path)["is_dev"]
    dev, train = iter(file.dev), iter(file.train)
    return [next(dev) if flag else next(train) for flag in is_dev]


def logits_of(cross, pairs):
    """(ids, start of the second segment) of each -> [n]"""
    T = max(len(ids) for ids, _ in pairs)
    inputs = {
        k: np.full((len(pairs), T), PAD, np.int64) for k in ("input_ids", "attention_mask", "token_type_ids")
    }
    for row, (ids, second) in enumerate(pairs):
        inputs["input_ids"][row, : len(ids)] = ids
        inputs["attention_mask"][row, : len(ids)] = 1
        inputs["token_type_ids"][row, second : len(ids)] = 1
    return cross.run(None, inputs)[0]


def teacher_quality(worlds, teachers):
    """How often the teacher's first is gold, of the lists that hold gold; the retriever's first beside it."""
    counts = {"lists": 0, "with gold": 0, "teacher right": 0, "retriever right": 0}
    for name, teacher in teachers.items():
        gold = worlds[name].train.gold[:, None]
        there = (teacher["soft"].sum(1) > 0) & (teacher["rows"] == gold).any(1)
        first = teacher["rows"].gather(1, teacher["soft"].argmax(1, keepdim=True))
        counts["lists"] += int((teacher["soft"].sum(1) > 0).sum())
        counts["with gold"] += int(there.sum())
        counts["teacher right"] += int(((first == gold)[:, 0] & there).sum())
        counts["retriever right"] += int(((teacher["rows"][:, :1] == gold)[:, 0] & there).sum())
    return counts
