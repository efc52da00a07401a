"""Train the tagger: which pieces of a text begin a mention, go on in one, or are in none (B, I, O).

    node dist/bench/tagger-data.js --out RUNS/tagger-data WORLD...    pieces, shapes, names of the KB, by the product
    python tagger.py --run RUNS/tagger-v1 --data RUNS/tagger-data [--steps 1200] [--leave-out attack]

A trunk of its own: the frozen embeddings and the first four layers of the dual encoder's. Two things that the
uncased pieces do not say are added to each: how it is written, and whether a name of the KB stands there. The
latter is how the tagger learns of a KB that it was not trained on. Only worlds in which every mention is labelled
are of use. Goes on from the run's checkpoint when there is one; files as in `runs.py`.

Legend: B windows of a batch, T ids of a window, H = 384 hidden, N pieces of a document

References
    marks for beginning and inside: Ramshaw and Marcus 1995, https://arxiv.org/abs/cmp-lg/9505040
    tagging with BERT: Devlin et al. 2019, sec. 5.3
    matches in a list of names as features: Ratinov and Roth 2009, sec. 6.2; Chiu and Nichols 2016
"""

import argparse
import glob
import json
import os
import random
import time
from collections import defaultdict
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

from model import HIDDEN, Trunk, from_hugging_face
from runs import Run
from texts import CLS, PAD, SEP, sha256_of

OUTSIDE, BEGIN, INSIDE = 0, 1, 2
LAYERS, SHAPES, NAME_MARKS = 4, 13, 3  # shapes and marks: libs/model/layout
WINDOW, STRIDE = 126, 94  # pieces of a window, and from one to the next where a document is read
UNKNOWN, IGNORED = 100, -100

# how often a step is of this world; the written worlds (namesakes-*) share `namesakes`
MIX = dict(craft=0.32, disease=0.32, attack=0.2, namesakes=0.16)


@dataclass
class Config:
    # start
    trunk: str = "../../shared/models/v0/dual-trunk/model.safetensors"
    seed: int = 1
    leave_out: str = ""  # a world that is not trained on, to see how the tagger does on a new one
    # a step
    tokens: int = 2600  # of windows of one world
    shapes_dropout: float = 0.1  # windows that show no shapes,
    names_dropout: float = 0.15  # no names of the KB,
    name_dropout: float = 0.1  # and single names that are not shown
    piece_dropout: float = 0.05  # pieces that become [UNK]
    # optimiser
    steps: int = 760
    warm_up: int = 60
    tail: float = 0.6
    rate_trunk: float = 1.5e-4
    rate_head: float = 1e-3
    weight_decay: float = 0.01
    clip: float = 1.0
    averaging: float = 0.995
    # machine
    threads: int = 1
    log_every: int = 20
    checkpoint_every: int = 50


# ---- the network ----


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.trunk.layers = self.trunk.layers[:LAYERS]
        for part in (self.trunk.word, self.trunk.position, self.trunk.segment, self.trunk.norm):
            part.requires_grad_(False)
        self.shapes, self.names = nn.Embedding(SHAPES, HIDDEN), nn.Embedding(NAME_MARKS, HIDDEN)
        nn.init.zeros_(self.shapes.weight)  # the start is the trunk as it was
        nn.init.zeros_(self.names.weight)
        self.head = nn.Linear(HIDDEN, 3)

    def forward(self, ids, mask, shapes, names):
        """[B, T] x 4, int64 -> logits of O, B, I [B, T, 3]"""
        trunk = self.trunk
        x = trunk.word(ids) + trunk.position.weight[: ids.shape[1]] + trunk.segment.weight[0]
        x = trunk.norm(x) + self.shapes(shapes) + self.names(names)  # [B, T, H]
        bias = (1.0 - mask.to(x.dtype))[:, None, None, :] * -1e4  # [B, 1, 1, T]
        for layer in trunk.layers:
            x = layer(x, bias)
        return self.head(x.float())  # [B, T, 3]


def load_tagger(trunk_file):
    model = Tagger()
    model.trunk.load_state_dict(from_hugging_face(load_file(trunk_file)), strict=False)
    return model


# ---- documents ----


@dataclass
class Document:
    world: str
    id: str
    split: str  # train, dev, or held: documents of train that are kept for calibrate_spans.py
    pieces: np.ndarray  # [N]
    shapes: np.ndarray  # [N]
    names: np.ndarray  # [N]
    tags: np.ndarray  # [N]
    gold: set  # (first, end) in pieces; of overlapping ones the longest


def longest(spans):
    """Without those that overlap a longer one."""
    kept = []
    for a, b in sorted(spans, key=lambda s: s[0] - s[1]):
        if all(b <= c or d <= a for c, d in kept):
            kept.append((a, b))
    return kept


def piece_ranges(spans, starts, ends):
    """UTF-16 spans -> the pieces that overlap them; spans of no piece are left out"""
    first = np.searchsorted(ends, [a for a, _ in spans], "right").tolist()
    end = np.searchsorted(starts, [b for _, b in spans], "left").tolist()
    return [(a, b) for a, b in zip(first, end) if a < b]


def read_document(world, line):
    row = json.loads(line)
    column = {name: np.array(row[name], np.int64) for name in ("pieces", "starts", "ends", "shapes", "names")}
    gold = longest(set(piece_ranges(row["gold"], column["starts"], column["ends"])))
    tags = np.zeros(len(column["pieces"]), np.int64)
    for a, b in gold:
        tags[a], tags[a + 1 : b] = BEGIN, INSIDE
    columns = (column["pieces"], column["shapes"], column["names"], tags)
    return Document(world, row["id"], row["split"], *columns, set(gold))


def load_documents(folder):
    """All worlds' documents, and the hash of their files."""
    paths = sorted(glob.glob(os.path.join(folder, "*.jsonl")))
    documents = []
    for path in paths:
        world = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as file:
            documents += [read_document(world, line) for line in file]
    return documents, sha256_of(paths)


# ---- batches ----


def collate(windows):
    """Columns of each window, the first being ids -> int64 [B, T] each with [CLS] and [SEP], and the mask"""
    B, T = len(windows), max(len(window[0]) for window in windows) + 2
    columns = [np.zeros((B, T), np.int64) for _ in windows[0]]
    columns[0][:] = PAD
    mask = np.zeros((B, T), np.int64)
    for row, window in enumerate(windows):
        n = len(window[0])
        for column, values in zip(columns, window):
            column[row, 1 : n + 1] = values
        columns[0][row, 0], columns[0][row, n + 1] = CLS, SEP
        mask[row, : n + 2] = 1
    ids, *others = map(torch.from_numpy, columns)
    return ids, torch.from_numpy(mask), *others


class Source:
    """One world's windows in random order; a document is cut at other places each time."""

    def __init__(self, documents):
        self.documents, self.queue = documents, []

    def next_batch(self, config, rng):
        if not self.queue:
            windows = [w for document in self.documents for w in self.cut(document, rng)]
            rng.shuffle(windows)
            self.queue = list(batches_of_like_length(windows, config.tokens))
            rng.shuffle(self.queue)
        return [dropped(window, config, rng) for window in self.queue.pop()]

    def cut(self, document, rng):
        n = len(document.pieces)
        begin = 0 if n <= WINDOW else rng.randint(0, WINDOW - 1) - WINDOW
        for a in range(begin, n, WINDOW):
            a, b = max(a, 0), min(a + WINDOW, n)
            if b - a > 3:
                yield document.pieces[a:b], document.shapes[a:b], document.names[a:b], document.tags[a:b]


def batches_of_like_length(windows, tokens, pool=128):
    for at in range(0, len(windows), pool):
        ordered = sorted(windows[at : at + pool], key=lambda window: len(window[0]))
        while ordered:
            size = max(1, tokens // (len(ordered[-1][0]) + 2))
            yield ordered[-size:]
            del ordered[-size:]


def dropped(window, config, rng):
    """Sometimes shapes or names are not shown: a text in lower case, a KB without this name."""
    pieces, shapes, names, tags = window
    chance = np.random.default_rng(rng.getrandbits(32))
    pieces = np.where(chance.random(len(pieces)) < config.piece_dropout, UNKNOWN, pieces)
    if rng.random() < config.shapes_dropout:
        shapes = np.zeros_like(shapes)
    if rng.random() < config.names_dropout:
        names = np.zeros_like(names)
    else:
        which = np.cumsum(names == 1)  # [N]: the number of the name that a piece is in
        hidden = chance.random(len(names) + 1) < config.name_dropout
        names = np.where(hidden[which], 0, names)
    return pieces, shapes, names, tags


# ---- reading documents ----


def window_starts(n):
    """Windows that cover n pieces and overlap by WINDOW - STRIDE."""
    return list(range(0, max(1, n - (WINDOW - STRIDE)), STRIDE))


def probabilities(run, documents, tokens=4000):
    """run: ids, mask, shapes, names -> logits [B, T, 3]. -> probabilities of O, B, I [N, 3] of each document

    Of two windows' words on a piece, that of the window counts in which it stands further inside."""
    results = [np.zeros((len(d.pieces), 3), np.float32) for d in documents]
    places = [(d, a) for d, document in enumerate(documents) for a in window_starts(len(document.pieces))]
    places.sort(key=lambda place: -min(WINDOW, len(documents[place[0]].pieces) - place[1]))
    margin = (WINDOW - STRIDE) // 2
    at = 0
    while at < len(places):
        d, a = places[at]
        size = max(1, tokens // (min(WINDOW, len(documents[d].pieces) - a) + 2))
        chosen = places[at : at + size]
        at += size
        columns = [(documents[d].pieces, documents[d].shapes, documents[d].names) for d, _ in chosen]
        inputs = collate([[c[a : a + WINDOW] for c in cs] for (_, a), cs in zip(chosen, columns)])
        probability = torch.softmax(torch.as_tensor(run(*inputs)).float(), -1).numpy()  # [B, T, 3]
        for (d, a), rows in zip(chosen, probability):
            n = len(documents[d].pieces)
            begin = a + margin if a > 0 else 0
            end = min(a + WINDOW - margin if a + WINDOW < n else n, n)
            results[d][begin:end] = rows[1 + begin - a : 1 + end - a]
    return results


def decoded(probability):
    """[N, 3] -> (first, end) of the likeliest tags; I after O begins a mention too"""
    tags, spans = probability.argmax(1).tolist(), []
    for at, tag in enumerate(tags):
        if tag == BEGIN or (tag == INSIDE and (at == 0 or tags[at - 1] == OUTSIDE)):
            spans.append((at, at + 1))
        elif tag == INSIDE:
            spans[-1] = (spans[-1][0], at + 1)
    return spans


def score(documents, found):
    """-> precision, recall, F1 of exact spans"""
    right = sum(len(d.gold & set(spans)) for d, spans in zip(documents, found))
    offered, wanted = sum(map(len, found)), sum(len(d.gold) for d in documents)
    return right / max(1, offered), right / max(1, wanted), 2 * right / max(1, offered + wanted)


def evaluate(run, documents):
    """World -> precision, recall, F1; the written worlds as one"""
    by_world = defaultdict(list)
    for document in documents:
        by_world[group_of(document.world)].append(document)
    return {w: score(ds, [decoded(p) for p in probabilities(run, ds)]) for w, ds in sorted(by_world.items())}


def group_of(world):
    return "namesakes" if world.startswith("namesakes") else world


def fast_run(model):
    def run(*inputs):
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            return model(*inputs)

    return run


# ---- training ----


class TaggerRun(Run):
    def make_model(self):
        return load_tagger(self.config.trunk)


def train_step(model, windows):
    ids, mask, shapes, names, tags = collate(windows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(ids, mask, shapes, names)  # [B, T, 3]
    is_text = (mask == 1) & (ids != CLS) & (ids != SEP)
    target = torch.where(is_text, tags, IGNORED)
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED), int(is_text.sum())


def train(run, sources):
    config, seen, began = run.config, defaultdict(list), time.time()
    groups = [group for group in MIX if group in sources]
    while run.step < config.steps:
        group = run.rng.choices(groups, [MIX[g] for g in groups])[0]
        loss, pieces = train_step(run.model, sources[group].next_batch(config, run.rng))
        run.learn(loss)
        seen[group].append((loss.item(), pieces))
        if run.step % config.log_every == 0:
            total = sum(n for rows in seen.values() for _, n in rows)
            losses = " ".join(f"{g} {np.mean([r[0] for r in rows]):.3f}" for g, rows in sorted(seen.items()))
            run.log(f"step {run.step} {total / (time.time() - began):.0f} pieces a second | {losses}")
            seen, began = defaultdict(list), time.time()
        if run.step % config.checkpoint_every == 0 or run.step == config.steps:
            run.save()


def averaged_model(run):
    model = Tagger()
    model.load_state_dict(torch.load(os.path.join(run.folder, "average.pt"), weights_only=False)["model"])
    return model.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--data", required=True)
    for name, default in asdict(Config()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    folder, data = options.pop("run"), options.pop("data")
    config = Config(**options)
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    documents, data_hash = load_documents(data)
    run = TaggerRun(folder, config, data_hash)
    chosen = defaultdict(list)
    for document in documents:
        group = group_of(document.world)
        if document.split == "train" and group != config.leave_out:
            chosen[group].append(document)
    train(run, {group: Source(ds) for group, ds in chosen.items()})
    scores = evaluate(fast_run(averaged_model(run)), [d for d in documents if d.split == "dev"])
    for world, (precision, recall, f1) in scores.items():
        run.log(f"dev {world}: precision {precision:.3f} recall {recall:.3f} F1 {f1:.3f}")
    run.save()


if __name__ == "__main__":
    main()
