"""Step 4: train the cross-encoder on the candidates that it will meet.

    python cross.py --run RUNS/cross-v1 --candidates RUNS/candidates [--steps 3000]

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
import time
from collections import defaultdict
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F

from mentions import load_worlds
from model import collate, load_pretrained, thaw
from runs import Run
from texts import CONTEXT_IDS, ENTITY_IDS

# how often a mention is of this world; the written worlds (namesakes-*) share `namesakes`
MIX = dict(mdn=0.13, win32=0.12, rpg=0.12, wordnet=0.13, craft=0.09, disease=0.10, wiki=0.13)
MIX |= dict(foldoc=0.015, attack=0.015, namesakes=0.15)


@dataclass
class Config:
    # start
    trunk: str = "../../shared/models/v0/cross-trunk/model.safetensors"
    head: str = "../../shared/models/v0/cross-head.safetensors"
    seed: int = 1
    # groups: a mention with gold and rivals
    mentions: int = 20  # a step
    group: int = 4  # G: gold and three rivals
    near: int = 3  # two of the rivals are of the first `near` ...
    far: int = 12  # ... the others of the first `far`
    easy_margin: float = 0.1  # gold leads by this much: such a mention is hardly ever reranked,
    easy_share: float = 0.2  # so for one hard mention only so many easy ones are seen
    nil_share: float = 0.06  # groups without gold: their logits must all be low
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
    steps: int = 3000
    warm_up: int = 60
    tail: float = 0.6  # this last share of the steps the rate sinks in a line
    rate_trunk: float = 9e-5
    rate_head: float = 3e-4
    weight_decay: float = 0.01
    clip: float = 1.0
    frozen_layers: int = 2  # and the embeddings: a fifth of the time
    averaging: float = 0.995
    # machine
    threads: int = 1
    chunks: int = 4  # a step's pairs in so many passes of like length
    log_every: int = 20
    checkpoint_every: int = 20


class Sampler:
    """An endless stream of groups; what is hard for the retriever comes round first."""

    def __init__(self, worlds, config):
        self.worlds, self.config = worlds, config
        self.hard, self.easy, self.queues = defaultdict(list), defaultdict(list), defaultdict(list)
        for name, world in worlds.items():
            group = "namesakes" if name.startswith("namesakes") else name
            for mention in world.train:
                if len(mention.rivals) >= config.group:
                    is_hard = mention.gold < 0 or mention.margin < config.easy_margin
                    (self.hard if is_hard else self.easy)[group].append(mention)
        self.names = [name for name in MIX if name in self.hard or name in self.easy]

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
        if mention.gold < 0 or rng.random() < config.nil_share:
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
            names.append("namesakes" if mention.world.startswith("namesakes") else mention.world)
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


class CrossRun(Run):
    def make_model(self):
        model = load_pretrained(self.config.trunk, self.config.head or None)
        thaw(model, self.config.frozen_layers)
        return model


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
            run.log(report.line(run.step))
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
    worlds, data_hash = load_worlds(candidates)
    sampler = Sampler(worlds, config)
    counts = {name: (len(sampler.hard[name]), len(sampler.easy[name])) for name in sampler.names}
    print("hard, easy mentions:", json.dumps(counts), flush=True)
    train(CrossRun(folder, config, data_hash), sampler)


if __name__ == "__main__":
    main()
