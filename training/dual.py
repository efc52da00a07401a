"""Step 2: train the dual encoder: one trunk for texts and entities, compound heads, one shared projection.

    python dual.py --run RUNS/dual-v1 --worlds RUNS/worlds --bank RUNS/candidates [--steps 800]

Goes on from the run's checkpoint when there is one. Writes into the run folder:
    last.pt      everything needed to go on, every `checkpoint_every` steps
    average.pt   the averaged weights: what export.py takes, good at any time

A step is one world's windows: all their mentions share the pass. Negatives: entities of the batch (gold ones of
other mentions, same-name rivals, mined ones, encoded with gradients) and, without gradients, the best rows of
a bank that holds the last vector of every entity, mined anew in every step.

References
    compound dual encoder, hard negatives: Gillick et al. 2019, https://arxiv.org/abs/1909.10506
    shared projection: Dong et al. 2022, https://arxiv.org/abs/2204.07120
    bank of past vectors: Wu et al. 2018, https://arxiv.org/abs/1805.01978
    averaged weights: Izmailov et al. 2018, https://arxiv.org/abs/1803.05407
"""

import argparse
import random
from collections import defaultdict
from dataclasses import asdict, dataclass
import os
import time
import zlib

import numpy as np
import torch
import torch.nn.functional as F

from model import collate_rows, load_dual, thaw
from runs import Run
from sparse import padded_features
from texts import CLS, SEP, normal_form
from worlds import load_worlds

# how often a step is of this world; the written worlds (namesakes-*) share `namesakes`
MIX = dict(mdn=0.15, wordnet=0.13, wiki=0.15, craft=0.11, win32=0.13, rpg=0.11, disease=0.10)
MIX |= dict(foldoc=0.02, attack=0.02, namesakes=0.08)


@dataclass
class Config:
    # start
    trunk: str = "../../shared/models/v0/dual-trunk/model.safetensors"
    heads: str = "../../shared/models/v0/heads.safetensors"
    seed: int = 1
    # a step
    mentions: int = 96
    window_pieces: tuple = (62, 94, 126)
    mentions_a_window: int = 8
    tokens: int = 2600  # of windows
    hard: int = 72  # entities beside gold that are encoded with gradients
    bank_a_mention: int = 24  # best rows of the bank, as negatives without gradients
    entity_ids: int = 48  # entities are cut to this length, and to 64 in a third of the steps
    sparse_dropout: float = 0.3
    # optimiser
    steps: int = 800
    warm_up: int = 40
    tail: float = 0.7
    rate_trunk: float = 5e-5
    rate_head: float = 4e-4
    weight_decay: float = 0.01
    clip: float = 1.0
    frozen_layers: int = 2  # and the embeddings: a fifth of the time
    averaging: float = 0.99
    # machine
    threads: int = 1
    log_every: int = 10
    checkpoint_every: int = 20


class Source:
    """One world's batches, its same-name rivals and its bank of entity vectors."""

    def __init__(self, world, bank):
        self.world, self.name = world, world.name
        self.bank = bank  # [E, D] float32
        ids, offsets = world.columns["entity_ids"]
        self.lengths = np.diff(offsets)  # [E]
        self.text = np.array([zlib.crc32(ids[a:b].tobytes()) for a, b in zip(offsets, offsets[1:])])
        self.called, self.forms = defaultdict(list), []
        for row, entity in enumerate(world.entities):
            self.forms.append({normal_form(n) for n in [entity["title"], *entity["aliases"]]})
            for form in self.forms[row]:
                self.called[form].append(row)
        self.by_document = defaultdict(list)
        for mention in world.train.tolist():
            if world.mentions[mention, 3] >= 0:
                self.by_document[int(world.mentions[mention, 0])].append(mention)
        self.queue = []

    def next_mention(self, rng):
        if not self.queue:
            self.queue = [m for ms in self.by_document.values() for m in ms]
            rng.shuffle(self.queue)
        return self.queue.pop()

    def windows(self, config, rng):
        """-> windows of ids, and for each mention (window, first, end, mention)"""
        length = rng.choice(config.window_pieces)
        windows, places, used, tokens = [], [], set(), 0
        while len(places) < config.mentions and tokens < config.tokens:
            mention = self.next_mention(rng)
            if mention in used:
                continue
            d, a, b = self.world.mentions[mention, :3].tolist()
            pieces = self.world.pieces(d)
            if b - a > length:
                continue
            begin = random_begin(a, b, len(pieces), length, rng)
            end = min(len(pieces), begin + length)
            inside = [m for m in self.by_document[d] if m not in used and self.is_in(m, begin, end)]
            others = [m for m in inside if m != mention]
            picked = [mention, *rng.sample(others, min(len(others), config.mentions_a_window - 1))]
            used.update(picked)
            for m in picked:
                _, first, last = self.world.mentions[m, :3].tolist()
                places.append((len(windows), first - begin + 1, last - begin + 1, m))
            windows.append([CLS, *pieces[begin:end].tolist(), SEP])
            tokens += end - begin + 2
        return windows, places

    def is_in(self, mention, begin, end):
        _, a, b = self.world.mentions[mention, :3].tolist()
        return begin <= a and b <= end

    def rivals(self, mention, gold):
        """Entities called like the mention, or sharing a name with gold."""
        forms = {normal_form(self.world.surface(mention))} | self.forms[gold]
        return [row for form in forms for row in self.called.get(form, ())[:60] if row != gold]


def random_begin(a, b, length_of_text, length, rng):
    if length_of_text <= length:
        return 0
    low, high = max(0, b - length), min(a, length_of_text - length)
    return rng.randint(min(low, high), max(low, high))


def negatives(source, gold, places, queries, config, rng):
    """Rows to encode with gradients, rows of the bank [R]. queries [M, D], gold [M]"""
    wanted = defaultdict(int)
    for (*_, mention), row in zip(places, gold.tolist()):
        rivals = source.rivals(mention, row)
        for rival in rng.sample(rivals, min(2, len(rivals))):
            wanted[rival] += 2
    similarity = queries @ source.bank.T  # [M, E]
    best = similarity.topk(min(config.bank_a_mention, len(source.bank)), 1).indices.numpy()
    for row, mined in zip(gold.tolist(), best):
        for rival in rng.sample([x for x in mined[:12].tolist() if x != row], 2):
            wanted[rival] += 2
    golds = set(gold.tolist())
    order = [row for row in wanted if row not in golds]
    rng.shuffle(order)
    order.sort(key=lambda row: -wanted[row])
    hard = order[: config.hard]
    bank = sorted(set(best.ravel().tolist()) - golds - set(hard))
    return hard, bank


def encode_entities(model, source, rows, most, config, rng):
    """Rows -> vectors [n, D] in the order of `rows`; batches of like length."""
    lengths = np.minimum(source.lengths[rows], most)
    order = np.argsort(-lengths, kind="stable")
    parts, at = [], 0
    while at < len(order):
        size = max(1, 2400 // int(lengths[order[at]]))
        picked = [rows[i] for i in order[at : at + size]]
        ids = [cut(source.world.entity_ids(row), most) for row in picked]
        titles = torch.from_numpy(source.world.title_pieces[picked].astype(np.int64))
        features = [source.world.row("entity_sparse", row).tolist() for row in picked]
        sparse = torch.from_numpy(padded_features([drop(f, config, rng) for f in features]))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = model.trunk(*collate_rows(ids))
        sizes = torch.tensor([len(row) for row in ids])
        parts.append(model.entities(hidden.float(), sizes, titles, sparse))
        at += size
    inverse = torch.from_numpy(np.argsort(order))
    return torch.cat(parts)[inverse]


def drop(features, config, rng):
    """Sometimes nothing sparse is known: a new KB's types say nothing."""
    return [] if rng.random() < config.sparse_dropout else features


def cut(ids, most):
    return ids.tolist() if len(ids) <= most else [*ids[: most - 1].tolist(), SEP]


def train_step(model, source, config, rng):
    """-> loss, share of mentions whose gold entity is nearest, mentions, entities"""
    windows, places = source.windows(config, rng)
    index = torch.tensor([place[:3] for place in places])  # [M, 3]: window, first, end
    mentions = [place[3] for place in places]
    gold = source.world.mentions[mentions, 3].astype(np.int64)  # [M]
    features = [drop(source.world.row("mention_sparse", m).tolist(), config, rng) for m in mentions]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.trunk(*collate_rows(windows))  # [B, T, H]
    sparse = torch.from_numpy(padded_features(features))
    queries = model.mentions(hidden.float(), *index.unbind(1), sparse)  # [M, D]

    hard, bank = negatives(source, gold, places, queries.detach(), config, rng)
    unique = sorted(set(gold.tolist()))
    rows = [*unique, *hard]
    most = 64 if rng.random() < 0.33 else config.entity_ids
    vectors = encode_entities(model, source, rows, most, config, rng)  # [n, D]
    source.bank[rows] = vectors.detach()
    everything = torch.cat([vectors, source.bank[bank]])  # [n + R, D]
    logits = queries @ everything.T * model.scale()  # [M, n + R]
    place_of = {row: at for at, row in enumerate(unique)}
    target = torch.tensor([place_of[row] for row in gold.tolist()])
    # An entity with the gold one's very text cannot be told from it.
    all_rows = np.array([*rows, *bank])
    twins = torch.from_numpy(source.text[gold][:, None] == source.text[all_rows][None])
    twins[torch.arange(len(gold)), target] = False
    logits = logits.masked_fill(twins, -1e4)
    loss = F.cross_entropy(logits, target)
    right = (logits.argmax(1) == target).float().mean().item()
    return loss, right, len(mentions), len(rows)


class DualRun(Run):
    def make_model(self):
        model = load_dual(self.config.trunk, self.config.heads)
        thaw(model, self.config.frozen_layers)
        return model


def pick_world(sources, rng):
    groups = defaultdict(list)
    for name in sources:
        groups["namesakes" if name.startswith("namesakes") else name].append(name)
    names = [name for name in MIX if name in groups]
    group = rng.choices(names, [MIX[name] for name in names])[0]
    return sources[rng.choice(groups[group])]


def train(run, sources):
    config, seen = run.config, defaultdict(list)
    began = time.time()
    while run.step < config.steps:
        source = pick_world(sources, run.rng)
        loss, right, mentions, entities = train_step(run.model, source, config, run.rng)
        run.learn(loss)
        seen[source.name].append((loss.item(), right, mentions, entities))
        if run.step % config.log_every == 0:
            rows = np.array([row for rows in seen.values() for row in rows])
            worlds = " ".join(
                f"{n} {np.mean([r[0] for r in rows]):.2f}/{np.mean([r[1] for r in rows]):.2f}"
                for n, rows in sorted(seen.items())
            )
            seconds = (time.time() - began) / len(rows)
            size = f"{rows[:, 2].mean():.0f} mentions {rows[:, 3].mean():.0f} entities"
            run.log(f"step {run.step} {seconds:.1f} s a step, {size}, scale {run.model.scale():.1f} | {worlds}")
            seen, began = defaultdict(list), time.time()
        if run.step % config.checkpoint_every == 0 or run.step == config.steps:
            run.save()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--worlds", required=True)
    parser.add_argument("--bank", required=True, help="candidate files of mine.py: their entity vectors")
    for name, default in asdict(Config()).items():
        if isinstance(default, (int, float, str)):
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    folder, worlds_folder, bank_folder = (options.pop(key) for key in ("run", "worlds", "bank"))
    config = Config(**options)
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    worlds, data_hash = load_worlds(worlds_folder)
    run = DualRun(folder, config, data_hash)
    sources = {}
    for name, world in worlds.items():
        bank = torch.from_numpy(np.load(os.path.join(bank_folder, f"{name}.npz"))["vectors"]).float()
        sources[name] = Source(world, bank)
    train(run, sources)


if __name__ == "__main__":
    main()
