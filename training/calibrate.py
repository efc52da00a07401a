"""Step 4: the numbers by which the product fuses and trusts the logits.

    python calibrate.py RUNS/cross-v1/dev.npz RUNS/cross-v1/calibration.json

Fitted on the dev mentions that were reranked (the others have the retriever's own calibration), all
worlds weighing the same:
    dualWeight, softmaxScale   by likelihood: softmax(scale * (logit + weight * (score - offset)))
    firstIsRight               P(winner is gold) = sigmoid(score * s1 + margin * (s1 - s2) + bias); here also
                               mentions count whose gold entity is not among the candidates
Platt 1999; expected calibration error as in Guo et al. 2017, https://arxiv.org/abs/1706.04599, ten bins.
"""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

from evaluate_cross import OFFSET, accuracy, fuse


def fit(loss_of, start):
    """L-BFGS over a handful of numbers."""
    numbers = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([numbers], lr=0.5, max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = loss_of(numbers)
        loss.backward()
        return loss

    optimiser.step(closure)
    return numbers.detach().tolist()


def world_weights(names):
    """[M]: every world's mentions sum to the same."""
    weights = np.array([1 / (names == name).sum() for name in names])
    return torch.tensor(weights / weights.sum())


def fit_fusion(names, logits, scores, gold_place):
    """-> dualWeight, softmaxScale"""
    linkable = gold_place >= 0
    weights = world_weights(names[linkable])
    logits, scores = torch.tensor(logits[linkable]).double(), torch.tensor(scores[linkable]).double()
    gold = torch.tensor(gold_place[linkable])

    def loss(numbers):  # scale and scale * weight: convex
        nll = F.cross_entropy(numbers[0] * logits + numbers[1] * scores, gold, reduction="none")
        return (nll * weights).sum()

    scale, scaled_weight = fit(loss, [1.0, 15.0])
    return scaled_weight / scale, scale


def fit_scale(names, fused, gold_place):
    linkable = gold_place >= 0
    weights = world_weights(names[linkable])
    fused, gold = torch.tensor(fused[linkable]).double(), torch.tensor(gold_place[linkable])
    nll = lambda n: F.cross_entropy(n[0] * fused, gold, reduction="none")
    return fit(lambda n: (nll(n) * weights).sum(), [1.0])[0]


def features(fused):
    """[M, top] -> [M, 2]: the best score, and by how much it leads"""
    best = -np.sort(-fused, 1)[:, :2]
    return np.stack([best[:, 0], best[:, 0] - best[:, 1]], 1)


def fit_first_is_right(names, fused, gold_place):
    x = torch.tensor(features(fused)).double()
    y = torch.tensor(fused.argmax(1) == gold_place).double()
    weights = world_weights(names)
    z = lambda n: x @ n[:2] + n[2]
    loss = lambda n: (F.binary_cross_entropy_with_logits(z(n), y, reduction="none") * weights).sum()
    numbers = fit(loss, [0.1, 1.0, 0.0])
    return numbers, torch.sigmoid(z(torch.tensor(numbers).double())).numpy(), y.numpy()


def calibration_error(confidence, right, bins=10):
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [(at == b).mean() * abs(confidence[at == b].mean() - right[at == b].mean()) for b in set(at)]
    return float(sum(gaps))


def across_worlds(names, fused, gold_place):
    """The error where nothing was fitted: each world with the numbers of all others."""
    confidence = np.zeros(len(names))
    for name in dict.fromkeys(names.tolist()):
        other = names != name
        numbers, _, _ = fit_first_is_right(names[other], fused[other], gold_place[other])
        z = features(fused[~other]) @ numbers[:2] + numbers[2]
        confidence[~other] = 1 / (1 + np.exp(-z))
    return calibration_error(confidence, fused.argmax(1) == gold_place)


def main(dev_file, out_file):
    dev = np.load(dev_file)
    reranked = dev["reranked"]  # [M]
    names, gold_place = dev["names"][reranked], dev["gold_place"][reranked]
    scores, logits = (dev[key][reranked].astype(np.float64) for key in ("scores", "model"))
    weight = round(fit_fusion(names, logits, scores, gold_place)[0], 1)
    fused = fuse(logits, scores, weight)
    (score, margin, bias), confidence, right = fit_first_is_right(names, fused, gold_place)
    by_world = accuracy(names, fused, gold_place)
    calibration = {
        "dualWeight": weight,
        "offset": OFFSET,
        "softmaxScale": round(fit_scale(names, fused, gold_place), 3),
        "firstIsRight": {"score": round(score, 3), "margin": round(margin, 3), "bias": round(bias, 3)},
        "ece": round(calibration_error(confidence, right), 4),
        "eceOfUnseenWorlds": round(across_worlds(names, fused, gold_place), 4),
        "logitAt99.9%": round(float(np.percentile(logits, 99.9)), 2),
        "reranked": round(float(reranked.mean()), 3),
        "devAccuracyOfReranked": {name: round(share, 4) for name, share in by_world.items()},
        "devAccuracyOfRerankedMeanOfWorlds": round(float(np.mean(list(by_world.values()))), 4),
        "data": str(dev["data"]),
    }
    with open(out_file, "w") as file:
        json.dump(calibration, file, indent=2)
    print(json.dumps(calibration, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
