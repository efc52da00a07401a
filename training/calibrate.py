"""Step 6: how evidence and logits are weighed, and what a confidence means: the manifest's calibration.

    python calibrate.py --predictions RUNS/predictions --out RUNS/calibration.json

Reads what the product itself says of dev mentions: `referent evaluate DEV --kb NAME --mentions given
--predictions FILE --all-candidates 100`, run with `--calibration deep` of make_manifest.py (the first 16
candidates of every mention are scored). One file a world, `<world>.jsonl` without priors and
`<world>.priors.jsonl` with what the world's train split taught (`referent learn`).

Every world weighs the same, with and without priors; the written worlds (namesakes-*) together as two, for they
stand for knowledge bases that no training saw. For NIL the gold entity is taken out of a mention's list.
Where nothing else is said, a figure "unseen" is of a world that the numbers were not fitted on.

References
    conditional logit: McFadden 1974
    confidence: Platt 1999; expected calibration error: Guo et al. 2017, https://arxiv.org/abs/1706.04599
"""

import argparse
import glob
import json
import os
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

EVIDENCE = ("similarity", "exactTitle", "exactAlias", "bm25", "prior", "logPrior")
CONFIDENCE = ("bias", "logOdds", "lead", "logit", "similarity", "exactTitle", "exactAlias", "bm25")
CONFIDENCE += ("namesakes", "prior", "priorKnown", "priorMentions")
BM25_OFFSET, UNSEEN = 3, 0.05  # as in libs/linking/ranking.ts
MOST_LOG_ODDS, MOST_LEAD = 8, 10  # as in libs/linking/confidence.ts
SCORED = 16
NIL_SHARE = 0.07
NAMESAKES_WEIGHT = 2
WAVES = (4, 4, 8, 16, 32)
PRECISIONS = (0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
DETECTED = 0.15  # for spans that were found: F1 end to end is flat from .15 to .35 on disease dev
NONE = -1e4  # score of no candidate


@dataclass
class Mentions:
    """M mentions with K = 100 candidates each, best retrieval first; rows without a candidate are NONE."""

    world: np.ndarray  # [M] names
    evidence: np.ndarray  # [M, K, 6]
    logit: np.ndarray  # [M, K], nan where not scored
    present: np.ndarray  # [M, K]
    gold: np.ndarray  # [M] place of gold; -1: not in the list
    is_nil: np.ndarray  # [M] nothing in the KB fits
    weight: np.ndarray  # [M]
    cosine: np.ndarray  # [M, K]
    mentions: np.ndarray  # [M] priorMentions
    prior_known: np.ndarray  # [M]
    namesakes: np.ndarray  # [M]

    def take(self, rows):
        return Mentions(**{name: value[rows] for name, value in vars(self).items()})


def read(paths, most=100):
    columns = {name: [] for name in Mentions.__annotations__}
    for path in paths:
        world = os.path.basename(path).split(".")[0]
        world = "namesakes" if world.startswith("namesakes") else world
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            if "mention" not in row or "gold" not in row or not row["candidates"]:
                continue
            add(columns, world, row, most)
    out = Mentions(**{name: np.array(values) for name, values in columns.items()})
    for world in set(out.world):
        share = NAMESAKES_WEIGHT if world == "namesakes" else 1
        out.weight[out.world == world] = share / (out.world == world).sum()
    return out


def add(columns, world, row, most):
    candidates = row["candidates"][:most]
    # Where the dense list ends: what only words found is ranked no lower (libs/linking/fuse.ts).
    dense = [c["cosine"] for c in candidates if "dense" in c["sources"]]
    floor = min(dense) if dense else -1
    candidates.sort(key=lambda c: -c["retrievalScore"])
    K = len(candidates)
    evidence = np.zeros((most, len(EVIDENCE)), np.float32)
    logit, cosine = np.full(most, np.nan, np.float32), np.zeros(most, np.float32)
    for at, c in enumerate(candidates):
        mentions = c["priorMentions"]
        prior = c["prior"]
        evidence[at] = (
            max(c["cosine"], floor),
            c["exactTitle"],
            c["exactAlias"] and not c["exactTitle"],
            0 if c["lexicalRank"] is None else 1 / (c["lexicalRank"] + BM25_OFFSET),
            prior or 0,
            0 if prior is None else np.log(prior + UNSEEN / (mentions + 1)),
        )
        logit[at] = np.nan if c["logit"] is None else c["logit"]
        cosine[at] = c["cosine"]
    gold = next((at for at, c in enumerate(candidates) if c["isGold"]), -1)
    values = dict(
        world=world,
        evidence=evidence,
        logit=logit,
        present=np.arange(most) < K,
        gold=gold,
        is_nil=row["gold"]["entityId"] is None,
        weight=1.0,
        cosine=cosine,
        mentions=candidates[0]["priorMentions"],
        prior_known=candidates[0]["prior"] is not None,
        namesakes=sum(c["exactAlias"] for c in candidates),
    )
    for name, value in values.items():
        columns[name].append(value)


def with_nil(data):
    """Beside each mention the same one without its gold entity, as if the KB did not have it."""
    linkable = np.flatnonzero(data.gold >= 0)
    without = data.take(linkable)
    without.present = without.present.copy()
    without.present[np.arange(len(linkable)), without.gold] = False
    without.gold = np.full(len(linkable), -1)
    without.is_nil = np.ones(len(linkable), bool)
    without.weight = without.weight * NIL_SHARE
    kept = data.take(np.arange(len(data.gold)))
    kept.weight = kept.weight * (1 - NIL_SHARE)
    both = {n: np.concatenate([getattr(kept, n), getattr(without, n)]) for n in vars(kept)}
    return Mentions(**both)


def minimise(loss_of, start, steps=400):
    """L-BFGS over a handful of numbers."""
    numbers = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([numbers], lr=0.5, max_iter=steps, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = loss_of(numbers)
        loss.backward()
        return loss

    optimiser.step(closure)
    return numbers.detach().numpy()


# ---- the two orders ----


def features(data, top, with_logit):
    """-> [M, top, F], present [M, top]; the logit is the last feature"""
    x, present = data.evidence[:, :top], data.present[:, :top]
    if with_logit:
        logit = data.logit[:, :top]
        present = present & ~np.isnan(logit)
        x = np.concatenate([x, np.nan_to_num(logit)[..., None]], -1)
    return torch.tensor(x).double(), torch.tensor(present)


def fit_order(data, top, with_logit, penalty=1e-4):
    """Conditional logit with "nothing fits" as one more choice. -> weights [F], score of NIL"""
    x, present = features(data, top, with_logit)
    gold = torch.tensor(data.gold)
    in_reach = (gold >= 0) & (gold < top)
    in_reach &= present.gather(1, gold.clamp(0, top - 1)[:, None]).squeeze(1)
    learnable = present.any(1) & (in_reach | torch.tensor(data.is_nil))
    x, present, gold = x[learnable], present[learnable], gold[learnable]
    target = torch.where(torch.tensor(data.is_nil)[learnable], torch.tensor(top), gold)
    weight = torch.tensor(data.weight)[learnable]
    weight = weight / weight.sum()

    def loss(numbers):
        scores = (x @ numbers[:-1]).masked_fill(~present, NONE)  # [M, top]
        nil = numbers[-1].expand(len(scores), 1)
        nll = F.cross_entropy(torch.cat([scores, nil], 1), target, reduction="none")
        return (nll * weight).sum() + penalty * (numbers[:-1] ** 2).sum() / 100

    start = [20.0, 1, 1, 1, 1, 0.1] + ([1.0] if with_logit else []) + [12.0]
    numbers = minimise(loss, start)
    return numbers[:-1], numbers[-1]


def scores_of(data, top, weights, with_logit):
    """-> [M, top]; NONE where there is no candidate"""
    x, present = features(data, top, with_logit)
    return np.where(present.numpy(), (x @ torch.tensor(weights)).numpy(), NONE)


def accuracy(data, scores):
    """World -> share of linkable mentions whose best score is gold's"""
    right = scores.argmax(1) == data.gold
    linkable = ~data.is_nil
    names = sorted(set(data.world))
    return {n: float(right[(data.world == n) & linkable].mean()) for n in names}


# ---- adaptive reranking ----


def adaptive(data, retrieval, fused, skip, bound):
    """Which of the first SCORED are scored. retrieval, fused: (weights, nil). -> asked [M, SCORED]"""
    before = scores_of(data, data.evidence.shape[1], retrieval[0], False)
    share = share_of_first(before, retrieval[1])
    evidence = scores_of(data, SCORED, fused[0][:-1], False)
    after = scores_of(data, SCORED, fused[0], True)
    asked = np.zeros(after.shape, bool)
    open_, done = share < skip, 0
    for wave in WAVES:
        asked[open_, done : done + wave] = True
        done = min(done + wave, SCORED)
        if done == SCORED:
            break
        best = np.where(asked, after, NONE).max(1)
        left = evidence[:, done:].max(1) + fused[0][-1] * bound
        open_ &= best < left
    return asked & data.present[:, :SCORED]


def share_of_first(scores, nil):
    """Softmax probability of the best score, of "nothing fits" too. scores [M, K] -> [M]"""
    best = scores.max(1, keepdims=True)
    return 1 / (np.exp(scores - best).sum(1) + np.exp(nil - best[:, 0]))


def choose_adaptive(data, retrieval, fused, most_lost=0.002):
    """The fewest pairs a mention that lose at most `most_lost` of the mean accuracy of full reranking."""
    full = np.mean(list(accuracy(data, scores_of(data, SCORED, fused[0], True)).values()))
    best, table = None, []
    for skip in (0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995):
        for bound in np.nanpercentile(data.logit, (70, 80, 90, 95, 98, 99, 99.7)):
            asked = adaptive(data, retrieval, fused, skip, bound)
            final = final_scores(data, asked, retrieval, fused)
            mean, pairs = np.mean(list(accuracy(data, final).values())), asked.sum(1).mean()
            table.append((pairs, full - mean, skip, float(bound)))
            if full - mean <= most_lost and (best is None or pairs < best[0]):
                best = table[-1]
    return best or min(table, key=lambda row: row[1]), full


def final_scores(data, asked, retrieval, fused):
    """The order that the product gives: scored candidates by fusion, where none is by retrieval. [M, SCORED]"""
    after = np.where(asked, scores_of(data, SCORED, fused[0], True), NONE)
    before = scores_of(data, SCORED, retrieval[0], False)
    return np.where(asked.any(1)[:, None], after, before)


# ---- confidence ----


def confidence_features(data, scores, nil, reranked):
    """scores [M, n] of all candidates as libs/linking/confidence.ts has them -> [M, F], place of the first"""
    first = scores.argmax(1)
    rows = np.arange(len(first))
    ordered = -np.sort(-scores, 1)
    share = share_of_first(scores, nil)
    log_odds = np.log(np.maximum(share, 1e-9) / np.maximum(1 - share, 1e-9))
    lead = ordered[:, 0] - np.maximum(ordered[:, 1], nil)
    evidence = data.evidence[rows, first]
    logit = np.nan_to_num(data.logit[rows, first]) if reranked else np.zeros(len(first))
    columns = [
        np.ones(len(first)),
        np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS),
        np.clip(lead, -MOST_LEAD, MOST_LEAD),
        logit,
        data.cosine[rows, first],
        evidence[:, 1],
        evidence[:, 2],
        evidence[:, 3],
        np.log1p(data.namesakes),
        evidence[:, 4],
        data.prior_known,
        np.log1p(data.mentions),
    ]
    return np.stack(columns, 1), first


def fit_confidence(x, right, weight, penalty=2e-4):
    x, right = torch.tensor(x), torch.tensor(right).double()
    weight = torch.tensor(weight) / weight.sum()

    def loss(numbers):
        nll = F.binary_cross_entropy_with_logits(x @ numbers, right, reduction="none")
        return (nll * weight).sum() + penalty * (numbers[1:] ** 2).sum()

    return minimise(loss, [0.0] * x.shape[1])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def calibration_error(confidence, right, weight, bins=10):
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    total, error = weight.sum(), 0.0
    for b in set(at.tolist()):
        w = weight[at == b]
        gap = np.average(confidence[at == b], weights=w) - np.average(right[at == b], weights=w)
        error += w.sum() / total * abs(gap)
    return float(error)


class Judged:
    """Mentions with the features of their final order, some reranked and some not."""

    def __init__(self, data, asked, retrieval, fused, unread):
        self.data, self.reranked = data, asked.any(1)
        after = scores_of(data, SCORED, fused[0], True)
        evidence = scores_of(data, data.evidence.shape[1], fused[0][:-1], False)
        unread_scores = np.where(evidence > NONE / 2, evidence + fused[0][-1] * unread, NONE)
        scored = np.where(asked, after, unread_scores[:, :SCORED])
        merged = np.concatenate([scored, unread_scores[:, SCORED:]], 1)
        # Scored ones stand before the rest, whatever their scores.
        best_scored = np.where(asked, after, NONE).argmax(1)
        x1, _ = confidence_features(data, merged, fused[1], True)
        x1 = self.as_first(x1, merged, best_scored, fused[1])
        before = scores_of(data, data.evidence.shape[1], retrieval[0], False)
        x0, first = confidence_features(data, before, retrieval[1], False)
        self.x = np.where(self.reranked[:, None], x1, x0)
        self.right = np.where(self.reranked, best_scored, first) == data.gold

    def as_first(self, x, scores, first, nil):
        """Where an unread candidate has the best score, the first is still the best of those read."""
        rows = np.arange(len(first))
        score = scores[rows, first]
        others = scores.copy()
        others[rows, first] = NONE
        rival = np.maximum(others.max(1), nil)
        share = 1 / (np.exp(np.minimum(scores - score[:, None], 50)).sum(1) + np.exp(nil - score))
        evidence = self.data.evidence[rows, first]
        x = x.copy()
        log_odds = np.log(np.maximum(share, 1e-9) / np.maximum(1 - share, 1e-9))
        x[:, 1] = np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)
        x[:, 2] = np.clip(score - rival, -MOST_LEAD, MOST_LEAD)
        x[:, 3] = np.nan_to_num(self.data.logit[rows, first])
        x[:, 4] = self.data.cosine[rows, first]
        x[:, 5:8] = evidence[:, 1:4]
        x[:, 9] = evidence[:, 4]
        return x

    def fit(self, rows):
        """-> weights where reranked, weights where not"""
        out = []
        for kind in (True, False):
            picked = rows & (self.reranked == kind)
            out.append(fit_confidence(self.x[picked], self.right[picked], self.data.weight[picked]))
        return out

    def confidence(self, weights, rows):
        chosen = np.where(self.reranked[rows, None], weights[0], weights[1])
        return sigmoid((self.x[rows] * chosen).sum(1))


def choose_threshold(judged, confidence):
    """Where most decisions are right, every world weighing the same; NIL's F1 beside it."""
    weight, nil = judged.data.weight, judged.data.is_nil
    best = None
    for threshold in np.arange(0.05, 0.75, 0.01):
        said_nil = confidence < threshold
        right = np.where(said_nil, nil, judged.right)
        share = np.average(right, weights=weight)
        true = weight[said_nil & nil].sum()
        f1 = 2 * true / (weight[said_nil].sum() + weight[nil].sum())
        if best is None or share > best[1]:
            best = (float(round(threshold, 2)), float(share), float(f1))
    return best


def precision_table(judged, confidence):
    order = np.argsort(-confidence)
    weight = judged.data.weight[order]
    precision = np.cumsum(judged.right[order] * weight) / np.cumsum(weight)
    table = []
    for wanted in PRECISIONS:
        enough = np.flatnonzero(precision >= wanted)
        if len(enough):
            threshold = round(float(confidence[order][enough[-1]]), 4)
            table.append({"precision": wanted, "threshold": threshold})
    return table


def named(names, numbers):
    return {name: round(float(number), 4) for name, number in zip(names, numbers)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    data = with_nil(read(sorted(glob.glob(f"{options.predictions}/*.jsonl"))))
    seen = ~np.isnan(data.logit).all(1)
    data = data.take(np.flatnonzero(seen))

    retrieval = fit_order(data, 64, False)
    fused = fit_order(data, SCORED, True)
    report = {
        "retrieval": accuracy(data, scores_of(data, 64, retrieval[0], False)),
        "fused": accuracy(data, scores_of(data, SCORED, fused[0], True)),
        "logit alone": accuracy(data, np.where(np.isnan(data.logit[:, :SCORED]), NONE, data.logit[:, :SCORED])),
    }
    names = sorted(set(data.world))
    report["fused, unseen"] = {}
    for name in names:
        other = data.take(np.flatnonzero(data.world != name))
        here = data.take(np.flatnonzero(data.world == name))
        weights, _ = fit_order(other, SCORED, True)
        report["fused, unseen"] |= accuracy(here, scores_of(here, SCORED, weights, True))

    (pairs, lost, skip, bound), full = choose_adaptive(data, retrieval, fused)
    asked = adaptive(data, retrieval, fused, skip, bound)
    report["adaptive"] = accuracy(data, final_scores(data, asked, retrieval, fused))
    gold_logits = np.zeros(data.logit.shape, bool)
    gold_logits[np.arange(len(data.gold)), data.gold] = data.gold >= 0
    unread = float(np.nanmean(data.logit[:, 8:SCORED][~gold_logits[:, 8:SCORED]]))

    judged = Judged(data, asked, retrieval, fused, unread)
    everything = np.ones(len(data.gold), bool)
    weights = judged.fit(everything)
    confidence = judged.confidence(weights, everything)
    unseen = np.zeros(len(confidence))
    for name in names:
        unseen[data.world == name] = judged.confidence(judged.fit(data.world != name), data.world == name)
    threshold, decided, nil_f1 = choose_threshold(judged, confidence)
    summary = {
        "pairs": round(float(pairs), 2),
        "lost": round(float(lost), 4),
        "ece": round(calibration_error(confidence, judged.right, data.weight), 4),
        "eceUnseen": round(calibration_error(unseen, judged.right, data.weight), 4),
        "decidedRight": round(decided, 4),
        "nilF1": round(nil_f1, 4),
        "reranked": round(float(judged.reranked.mean()), 3),
        "meanRetrieval": round(float(np.mean(list(report["retrieval"].values()))), 4),
        "meanFused": round(float(np.mean(list(report["fused"].values()))), 4),
        "meanAdaptive": round(float(np.mean(list(report["adaptive"].values()))), 4),
        "meanUnseen": round(float(np.mean(list(report["fused, unseen"].values()))), 4),
    }
    for name in names:
        of = data.world == name
        row = " ".join(f"{column[name]:.3f}" for column in report.values())
        error = calibration_error(confidence[of], judged.right[of], data.weight[of])
        error_unseen = calibration_error(unseen[of], judged.right[of], data.weight[of])
        print(f"{name:22} {row}   ece {error:.3f} unseen {error_unseen:.3f}")
    print(list(report), json.dumps(summary))
    calibration = {
        "ranking": {
            "bm25Offset": BM25_OFFSET,
            "retrieval": named(EVIDENCE, retrieval[0]),
            "fused": named((*EVIDENCE, "logit"), fused[0]),
            "nil": {"retrieval": round(float(retrieval[1]), 4), "fused": round(float(fused[1]), 4)},
        },
        "adaptive": {
            "skipProbability": skip,
            "waves": list(WAVES),
            "logitBound": round(bound, 3),
            "unreadLogit": round(unread, 3),
        },
        "confidence": {
            "reranked": named(CONFIDENCE, weights[0]),
            "retrieved": named(CONFIDENCE, weights[1]),
        },
        "nil": {"threshold": threshold, "detected": DETECTED},
        "precision": precision_table(judged, confidence),
    }
    with open(options.out, "w") as file:
        json.dump(calibration, file, indent=2)
    print(json.dumps(calibration))


if __name__ == "__main__":
    main()
