"""Step 3: logits of the dev mentions' candidates, and who wins when they are fused with retrieval.

    python evaluate.py --candidates RUNS/candidates --out RUNS/cross-v1/dev.npz \
        --model RUNS/cross-v1/average.pt [--beside ../../models/referent-v1/cross-encoder.onnx]

A model is an ONNX graph (as it ships) or a checkpoint of train.py. `--beside` names another one, measured
on the same mentions. Candidates are those of step 1's cut KBs: easier than the whole KB for big worlds.
As in the product, a mention whose first candidate leads by `--skip-margin` is not reranked.
Written: per mention its world, retrieval scores, logits and gold's place, for calibrate.py.
"""

import argparse
import sys
import time

import numpy as np
import torch

from mentions import load_worlds
from model import CrossEncoder, collate
from retriever import batches_by_length, session

WEIGHTS = (0, 2, 4, 6, 8, 10, 12, 15, 18, 22, 27, 35, 50)
V0_WEIGHT, OFFSET = 22, 0.6


def scorer(path, threads=2):
    """ids, mask, segments [B, T] -> logits [B], of a graph or of a checkpoint"""
    if path.endswith(".onnx"):
        graph = session(path, threads)
        names = ("input_ids", "attention_mask", "token_type_ids")
        return lambda *inputs: graph.run(None, dict(zip(names, [x.numpy() for x in inputs])))[0]
    torch.set_num_threads(threads)
    model = CrossEncoder()
    model.load_state_dict(torch.load(path, weights_only=False)["model"])
    model.eval()

    def run(*inputs):
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            return model(*inputs).float().numpy()

    return run


def score_pairs(run, pairs):
    """-> logits [n]"""
    logits = np.zeros(len(pairs), np.float32)
    for at in batches_by_length(np.array([len(ids) for ids, _ in pairs])):
        logits[at] = run(*collate([pairs[i] for i in at]))
    return logits


def dev_mentions(worlds, most):
    """(world, mention): at most `most` of each world, spread over its sample."""
    for world in worlds.values():
        step = max(1, len(world.dev) // most)
        for mention in world.dev[::step][:most]:
            yield world, mention


def measure(run, sample, close, top):
    """Logits [M, top] of each mention's best candidates; zeros where it is not a close call [M]."""
    asked = [entry for entry, is_close in zip(sample, close) if is_close]
    pairs = [world.pair(m, row) for world, m in asked for row in m.candidates[:top].tolist()]
    logits = np.zeros((len(sample), top), np.float32)
    logits[close] = score_pairs(run, pairs).reshape(-1, top)
    return logits


def accuracy(names, fused, gold_place):
    """World -> share of mentions whose best score is gold's. gold_place [M]: -1 where gold is missing."""
    right = fused.argmax(1) == gold_place
    return {name: right[names == name].mean() for name in dict.fromkeys(names.tolist())}


def fuse(logits, scores, weight):
    return logits + weight * (scores - OFFSET)


def best_weight(names, logits, scores, gold_place):
    """One for all worlds, which weigh the same."""
    mean = lambda w: np.mean(list(accuracy(names, fuse(logits, scores, w), gold_place).values()))
    return max(WEIGHTS, key=mean)


def table(names, scores, gold_place, columns):
    """Markdown; columns: title -> fused scores [M, top]."""
    figures = {"hybrid first": accuracy(names, scores, gold_place)}
    figures |= {title: accuracy(names, fused, gold_place) for title, fused in columns.items()}
    lines = [f"| world | n | gold among them | {' | '.join(figures)} | ± |"]
    lines.append("|---" * (len(figures) + 4) + "|")
    for name in dict.fromkeys(names.tolist()):
        of = names == name
        shares = [f[name] for f in figures.values()]
        noise = np.sqrt(shares[-1] * (1 - shares[-1]) / of.sum())
        cells = " | ".join(f"{s:.3f}" for s in [(gold_place[of] >= 0).mean(), *shares, noise])
        lines.append(f"| {name} | {of.sum()} | {cells} |")
    means = " | ".join(f"**{np.mean(list(f.values())):.4f}**" for f in figures.values())
    among = (gold_place >= 0).mean()
    lines.append(f"| mean of worlds | {len(names)} | {among:.3f} | {means} | |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--candidates", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--beside")
    parser.add_argument("--out", required=True)
    parser.add_argument("--mentions", type=int, default=150, help="a world")
    parser.add_argument("--top", type=int, default=16, help="candidates a mention")
    parser.add_argument("--skip-margin", type=float, default=0.1, help="9: rerank everything")
    options = parser.parse_args()

    worlds, data_hash = load_worlds(options.candidates)
    sample = list(dev_mentions(worlds, options.mentions))
    names = np.array([world.name for world, _ in sample])
    scores = np.stack([m.scores[: options.top] for _, m in sample])  # [M, top]
    hit = np.stack([m.candidates[: options.top] == m.gold for _, m in sample])
    gold_place = np.where(hit.any(1), hit.argmax(1), -1)  # [M]
    close = scores[:, 0] - scores[:, 1] < options.skip_margin  # [M]

    columns, out = {}, {}
    for title, path in (("beside", options.beside), ("model", options.model)):
        if not path:
            continue
        began = time.time()
        logits = measure(scorer(path), sample, close, options.top)  # [M, top]
        weight = best_weight(names, logits, scores, gold_place)
        columns[f"{title} alone"] = logits
        for w in sorted({weight, V0_WEIGHT} if title == "beside" else {weight}):
            columns[f"{title} fused, weight {w}"] = fuse(logits, scores, w)
        out[title] = logits
        spread = np.percentile(logits[close], [0, 1, 50, 99, 99.9, 100]).round(2).tolist()
        print(f"{title} {path}: {time.time() - began:.0f} s", file=sys.stderr)
        print(f"  logits at 0, 1, 50, 99, 99.9, 100 %: {spread}", file=sys.stderr)
    print(table(names, scores, gold_place, columns))
    out |= {"names": names, "scores": scores, "gold_place": gold_place, "reranked": close}
    np.savez(options.out, data=data_hash, **out)


if __name__ == "__main__":
    main()
