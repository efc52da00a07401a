"""Step 2: train the cross-encoder on the candidates that it will meet.

    python train.py --run RUNS/cross-v1 --candidates RUNS/candidates [--steps 500]

Goes on from the run's checkpoint when there is one; `--steps` may differ then (the schedule follows the
steps, so a run may be stopped, frozen and continued at any time). Writes into the run folder:
    last.pt      everything needed to go on, every `checkpoint_every` steps
    average.pt   the averaged weights: what export.py takes, good at any time

References
    binary classification over retrieved candidates: Agarwal & Bikel 2020, https://arxiv.org/abs/2004.03555
    the retriever's candidates as negatives: BLINK, Wu et al. 2020, sec. 4.2
    listwise loss: Cao et al. 2007 (ListNet)
    averaged weights: Polyak & Juditsky 1992; Izmailov et al. 2018
"""

import argparse
import json
import os
import random
import time
from collections import defaultdict
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F

from mentions import load_worlds
from model import collate, load_pretrained
from texts import CONTEXT_IDS, ENTITY_IDS

# how often a mention is of this world
MIX = dict(mdn=0.17, win32=0.15, rpg=0.14, wordnet=0.14, craft=0.12, disease=0.12, wiki=0.12)
MIX |= dict(foldoc=0.02, attack=0.02)


@dataclass
class Config:
    # start
    trunk: str = "../../../shared/models/v0/cross-trunk/model.safetensors"
    head: str = "../../../shared/models/v0/cross-head.safetensors"
    seed: int = 1
    # groups: a mention with gold and rivals
    mentions: int = 20  # a step
    group: int = 4  # G: gold and three rivals
    near: int = 3  # two of the rivals are of the first `near` ...
    far: int = 12  # ... the others of the first `far`
    easy_margin: float = 0.1  # gold leads by this much: such a mention is hardly ever reranked,
    easy_share: float = 0.2  # so for one hard mention only so many easy ones are seen
    nil_share: float = 0.08  # groups without gold: their logits must all be low
    # lengths: most pairs are cut short at first, which trains twice as many
    short_ids: int = 40  # of context and of entity
    short_share_first: float = 0.85
    short_share_last: float = 0.45
    # loss on fused = logit + weight * (retrieval score - offset), so that the logit learns what retrieval
    # does not know; the weight sinks, so that the logit learns to stand for itself
    offset: float = 0.6
    weight_first: float = 15.0
    weight_last: float = 9.0
    # optimiser
    steps: int = 500
    warm_up: int = 40
    tail: float = 0.6  # this last share of the steps the rate sinks in a line
    rate_trunk: float = 9e-5
    rate_head: float = 3e-4
    weight_decay: float = 0.01
    clip: float = 1.0
    frozen_layers: int = 2  # and the embeddings: a fifth of the time
    averaging: float = 0.99
    # machine
    threads: int = 2
    chunks: int = 4  # a step's pairs in so many passes of like length
    log_every: int = 10
    checkpoint_every: int = 20


class Sampler:
    """An endless stream of groups; what is hard for the retriever comes round first."""

    def __init__(self, worlds, config):
        self.worlds, self.config = worlds, config
        self.names = [name for name in MIX if name in worlds]
        self.queues = {name: [] for name in self.names}
        self.hard, self.easy = {}, {}
        for name in self.names:
            usable = [m for m in worlds[name].train if len(m.rivals) >= config.group]
            self.hard[name] = [m for m in usable if m.margin < config.easy_margin]
            self.easy[name] = [m for m in usable if m.margin >= config.easy_margin]

    def mention(self, rng):
        name = rng.choices(self.names, [MIX[n] for n in self.names])[0]
        if not self.queues[name]:
            hard, easy = self.hard[name], self.easy[name]
            few = min(len(easy), 60 + int(self.config.easy_share * len(hard)))
            self.queues[name] = hard + rng.sample(easy, few)
            rng.shuffle(self.queues[name])
        return self.queues[name].pop()

    def group(self, rng):
        """A mention, its G (row, retrieval score), and whether the first of them is gold."""
        config, mention = self.config, self.mention(rng)
        rivals = mention.rivals[: config.far]
        picked = rng.sample(rivals[: config.near], 2)
        others = [r for r in rivals if r not in picked]
        rng.shuffle(others)
        picked += others[: config.group - 3]
        if rng.random() < config.nil_share:
            return mention, [others[-1], *picked], False
        return mention, [(mention.gold, mention.gold_score), *picked], True

    def batch(self, rng, short_share):
        """Pairs of n = mentions x G, retrieval scores [n], has gold [mentions], worlds."""
        pairs, scores, has_gold, names = [], [], [], []
        for _ in range(self.config.mentions):
            mention, group, linkable = self.group(rng)
            short = (self.config.short_ids, self.config.short_ids)
            lengths = short if rng.random() < short_share else (CONTEXT_IDS, ENTITY_IDS)
            world = self.worlds[mention.world]
            pairs += [world.pair(mention, row, *lengths) for row, _ in group]
            scores += [score for _, score in group]
            has_gold.append(linkable)
            names.append(mention.world)
        return pairs, torch.tensor(scores), torch.tensor(has_gold), names


def logits_of(model, pairs, chunks):
    """In passes of like length. -> [n], in the order of the pairs"""
    order = np.argsort([-len(ids) for ids, _ in pairs], kind="stable")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        parts = [model(*collate([pairs[i] for i in at])) for at in np.array_split(order, chunks)]
    return torch.cat(parts).float()[torch.from_numpy(np.argsort(order))]


def loss_of(fused, has_gold):
    """fused [mentions, G], gold in column 0 where has_gold [mentions].

    Half binary (every pair by itself: what confidence and NIL need), half listwise (who wins)."""
    target = torch.zeros_like(fused)  # [mentions, G]
    target[has_gold, 0] = 1.0
    binary = F.binary_cross_entropy_with_logits(fused, target)
    linkable = fused[has_gold]
    listwise = F.cross_entropy(linkable, torch.zeros(len(linkable), dtype=torch.long))
    return 0.5 * binary + 0.5 * listwise, binary.item(), listwise.item()


def between(first, last, share):
    return first + (last - first) * share


def rate_at(step, config):
    """Warm-up, flat, then a line down to nothing."""
    left = (config.steps - step) / (config.steps * config.tail)
    return min(1.0, (step + 1) / config.warm_up, max(0.02, left))


class Run:
    """Model, optimiser, averaged weights and the state of chance; saved and loaded as one."""

    def __init__(self, folder, config, data_hash):
        self.folder, self.config, self.data_hash = folder, config, data_hash
        self.model = load_pretrained(config.trunk, config.head or None)
        self.trained = list(self.thaw())
        trunk = [p for name, p in self.trained if name.startswith("trunk.")]
        head = [p for name, p in self.trained if not name.startswith("trunk.")]
        groups = [{"params": trunk}, {"params": head}]
        options = {"betas": (0.9, 0.98), "weight_decay": config.weight_decay, "fused": True}
        self.optimiser = torch.optim.AdamW(groups, lr=0.0, **options)
        self.parameters = [p for _, p in self.trained]
        self.average = [p.detach().clone() for p in self.parameters]
        self.step, self.rng, self.history = 0, random.Random(config.seed), []

    def thaw(self):
        """Freezes embeddings and lowest layers; yields what stays trainable."""
        trunk = self.model.trunk
        lowest = trunk.layers[: self.config.frozen_layers]
        for part in (trunk.word, trunk.position, trunk.segment, trunk.norm, *lowest):
            part.requires_grad_(False)
        return (item for item in self.model.named_parameters() if item[1].requires_grad)

    def resume(self):
        path = os.path.join(self.folder, "last.pt")
        if not os.path.exists(path):
            return
        saved = torch.load(path, weights_only=False)
        self.model.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.average, self.step = saved["average"], saved["step"]
        self.rng.setstate(saved["random"])
        self.history = saved["history"]
        print(f"goes on from step {self.step}", flush=True)

    def save(self):
        made = {"config": asdict(self.config), "data": self.data_hash, "step": self.step}
        everything = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        everything |= {"average": self.average, "random": self.rng.getstate()}
        everything |= {"history": self.history}
        averaged = self.model.state_dict()
        averaged |= {name: value for (name, _), value in zip(self.trained, self.average)}
        self.write("last.pt", made | everything)
        self.write("average.pt", made | {"model": averaged, "history": self.history})

    def write(self, name, content):
        """Whole or not at all."""
        path = os.path.join(self.folder, name)
        torch.save(content, f"{path}.part")
        os.replace(f"{path}.part", path)

    def learn(self, loss):
        rates = (self.config.rate_trunk, self.config.rate_head)
        for group, rate in zip(self.optimiser.param_groups, rates):
            group["lr"] = rate * rate_at(self.step, self.config)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        decay = min(self.config.averaging, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.parameters, 1 - decay)


class Report:
    """Running shares of right first candidates: fused, by logit alone, by retrieval."""

    def __init__(self):
        self.right, self.losses = defaultdict(list), []
        self.began, self.cpu_began = time.time(), time.process_time()

    def add(self, fused, logits, scores, has_gold, names, losses):
        right = [(x.argmax(1) == 0).tolist() for x in (fused, logits, scores)]
        for *row, linkable, name in zip(*right, has_gold.tolist(), names):
            if linkable:
                self.right[name].append(row)
        self.losses.append(losses)

    def line(self, step):
        seconds, cpu = time.time() - self.began, time.process_time() - self.cpu_began
        binary, listwise = np.mean(self.losses, 0)
        n = len(self.losses)
        shares = {name: np.mean(rows, 0).round(2).tolist() for name, rows in self.right.items()}
        worlds = " ".join(f"{name} {a}/{b}/{c}" for name, (a, b, c) in sorted(shares.items()))
        time_ = f"{seconds / n:.1f} s ({cpu / n:.1f} of CPU) a step"
        return f"step {step} binary {binary:.3f} listwise {listwise:.3f} {time_} | {worlds}"


def train(run, sampler):
    config, report = run.config, Report()
    shape = (config.mentions, config.group)
    while run.step < config.steps:
        share = run.step / config.steps
        short = between(config.short_share_first, config.short_share_last, share)
        weight = between(config.weight_first, config.weight_last, share)
        pairs, scores, has_gold, names = sampler.batch(run.rng, short)
        logits = logits_of(run.model, pairs, config.chunks)  # [n]
        fused = (logits + weight * (scores - config.offset)).view(shape)  # [mentions, G]
        loss, *losses = loss_of(fused, has_gold)
        run.learn(loss)
        report.add(fused, logits.view(shape), scores.view(shape), has_gold, names, losses)
        if run.step % config.log_every == 0:
            run.history.append(report.line(run.step))
            print(run.history[-1], flush=True)
            report = Report()
        if run.step % config.checkpoint_every == 0 or run.step == config.steps:
            run.save()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--candidates", required=True)
    for name, default in asdict(Config()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    folder, candidates = options.pop("run"), options.pop("candidates")
    config = Config(**options)
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    os.makedirs(folder, exist_ok=True)
    worlds, data_hash = load_worlds(candidates)
    run = Run(folder, config, data_hash)
    run.resume()
    sampler = Sampler(worlds, config)
    counts = {name: (len(sampler.hard[name]), len(sampler.easy[name])) for name in sampler.names}
    print("hard, easy mentions:", json.dumps(counts), flush=True)
    train(run, sampler)


if __name__ == "__main__":
    main()
