"""The weights by which the product says how likely a found span is a mention: `calibration.span` of the manifest.

    node dist/bench/spans.js --out RUNS/spans WORLD...                      as the product finds them, with features
    node dist/bench/spans.js --out RUNS/spans-learned --learned WORLD...    and in a KB that has learned their train texts
    python calibrate_spans.py RUNS/spans RUNS/spans-learned OUT.json

A logistic regression, fitted on documents of train that the tagger was not trained on (`held`); all worlds weigh
the same, and both states of the KB do. Reported on dev: span F1 without overlaps by the product's rule, of spans
above the threshold that is best for the mean of all worlds on `held`; offered recall (what detect found before
anything was decided); and the calibration error. Beside each world its F1 with the weights of all others: what to
expect of a new KB.
"""

import bisect
import glob
import json
import os
import sys
from collections import defaultdict

import numpy as np
import torch
import torch.nn.functional as F

from calibrate import calibration_error, minimise
from tagger import group_of

BASES = ("phrase", "coded", "capitalised", "sentenceStart", "plain", "tagger", "compromise")
FEATURES = ("tagged", "inside", "rival", "words", "chars", "inLonger", "overlaps", "learned", "seen", "marked")
RIDGE = 1e-4  # keeps weights finite that no mention asks for
THRESHOLDS = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


def load(folders):
    """-> documents: world, whether learned, split, gold spans and found spans, features [n, 17] and labels [n]"""
    documents = []
    for learned, folder in enumerate(folders):
        for path in sorted(glob.glob(os.path.join(folder, "*.jsonl"))):
            world = group_of(os.path.splitext(os.path.basename(path))[0])
            with open(path, encoding="utf-8") as file:
                documents += [document_of(world, learned, json.loads(line)) for line in file]
    return documents


def document_of(world, learned, row):
    gold = {tuple(span) for span in row["gold"]}
    spans = [(s["start"], s["end"]) for s in row["spans"]]
    x = np.zeros((len(spans), len(BASES) + len(FEATURES)))
    for i, span in enumerate(row["spans"]):
        x[i, BASES.index(span["base"])] = 1
        x[i, len(BASES) :] = [span["features"][name] for name in FEATURES]
    y = np.array([span in gold for span in spans], float)
    return dict(world=world, learned=learned, split=row["split"], gold=gold, spans=spans, x=x, y=y)


def fit_weights(documents):
    names = np.array([f"{d['world']}{d['learned']}" for d in documents for _ in d["spans"]])
    x = torch.tensor(np.concatenate([d["x"] for d in documents]))
    y = torch.tensor(np.concatenate([d["y"] for d in documents]))
    share = np.array([1 / (names == name).sum() for name in names])  # every world the same
    weights = torch.tensor(share / share.sum())

    def loss(numbers):
        nll = F.binary_cross_entropy_with_logits(x @ numbers, y, reduction="none")
        return (nll * weights).sum() + RIDGE * (numbers**2).sum()

    return np.array(minimise(loss, [0.0] * x.shape[1]))


def probabilities(document, numbers):
    return 1 / (1 + np.exp(-document["x"] @ numbers))


def chosen(document, probability, least):
    """libs/linking/overlaps.ts with the weights of decide.ts: length times probability"""
    items = [(b, a, (b - a) * p) for (a, b), p in zip(document["spans"], probability) if p >= least]
    items.sort(key=lambda item: (item[0], -item[1]))
    ends, best, before = [item[0] for item in items], [0.0], []
    for at, (_, start, weight) in enumerate(items):
        before.append(bisect.bisect_right(ends, start, 0, at))
        best.append(max(best[at], weight + best[before[at]]))
    kept, count = set(), len(items)
    while count > 0:
        if best[count] > best[count - 1]:
            kept.add((items[count - 1][1], items[count - 1][0]))
            count = before[count - 1]
        else:
            count -= 1
    return kept


def figures(documents, numbers, threshold):
    right = shown = wanted = offered = 0
    for document in documents:
        kept = chosen(document, probabilities(document, numbers), threshold)
        right += len(kept & document["gold"])
        offered += len(set(document["spans"]) & document["gold"])
        shown, wanted = shown + len(kept), wanted + len(document["gold"])
    p = np.concatenate([probabilities(d, numbers) for d in documents])
    y = np.concatenate([d["y"] for d in documents])
    return {
        "spanF1": round(2 * right / max(1, shown + wanted), 4),
        "precision": round(right / max(1, shown), 4),
        "recall": round(right / max(1, wanted), 4),
        "offeredRecall": round(offered / max(1, wanted), 4),
        "offeredPerGold": round(len(p) / max(1, wanted), 2),
        "ece": round(calibration_error(p, y, np.ones(len(p))), 4),
    }


def best_threshold(documents, numbers):
    worlds = sorted({(d["world"], d["learned"]) for d in documents})
    parts = [[d for d in documents if (d["world"], d["learned"]) == world] for world in worlds]
    return max(THRESHOLDS, key=lambda t: sum(figures(part, numbers, t)["spanF1"] for part in parts))


def main(plain, learned, out):
    documents = load((plain, learned))
    held = [d for d in documents if d["split"] == "held"]
    numbers = fit_weights(held)
    threshold, report = best_threshold(held, numbers), defaultdict(dict)
    for world in sorted({d["world"] for d in documents}):
        others = fit_weights([d for d in held if d["world"] != world])
        for state, name in enumerate(("plain", "learned")):
            dev = [d for d in documents if d["world"] == world and d["learned"] == state and d["split"] != "held"]
            if dev:
                report[world][name] = figures(dev, numbers, threshold)
                report[world][name]["spanF1OfOthersWeights"] = figures(dev, others, threshold)["spanF1"]
    rounded = [round(number, 3) for number in numbers.tolist()]
    span = {"base": dict(zip(BASES, rounded)), "weights": dict(zip(FEATURES, rounded[len(BASES) :]))}
    with open(out, "w") as file:
        json.dump({"span": span, "threshold": threshold, "dev": report}, file, indent=2)
    print(json.dumps({"span": span, "threshold": threshold}, indent=1))
    for world, states in report.items():
        for state, row in states.items():
            print(world, state, json.dumps(row))


if __name__ == "__main__":
    main(*sys.argv[1:])
