"""What int8 costs on this processor: the shipped graphs beside fp32 and two other ways to quantise.

    python export.py --dual shipped --cross shipped --out FOLDER
    python quantisation.py FOLDER --worlds RUNS/worlds [--mentions 250] [--entities 2000] [--pairs 6] rpg mdn

`s8` is what ships: signed weights of 8 bits. Without a dot product of bytes (AVX-VNNI, AVX512-VNNI, ARM's) ONNX
Runtime adds two of its products in 16 bits, which saturate; `s7` has weights of 7 bits, which cannot; `u8` unsigned
weights, multiplied in 16 bits there. Per world and way, in a KB cut to `--entities` with the mentions' own and random
ones: R@1 of the vectors; mean cosine of entities' and mentions' vectors to fp32's; mean difference of the logits of the
best candidates by fp32's vectors; R@1 by vectors and logit, weighed as the shipped manifest does; entities and pairs a
second. A mention is .4 points.
"""

import argparse
import json
import time

import numpy as np
from onnxruntime.quantization import QuantType, quantize_dynamic

from evaluate_cross import score_pairs, scorer
from retriever import DualEncoder, session
from texts import context_ids, pair_ids
from worlds import World

MANIFEST = "../models/referent-v1/manifest.json"
WAYS = {
    "s7": {"weight_type": QuantType.QInt8, "reduce_range": True},
    "u8": {"weight_type": QuantType.QUInt8},
}


class Graphs(DualEncoder):
    def __init__(self, folder, trunk):
        self.manifest = {"dimensions": 384}
        self.trunk = session(f"{folder}/{trunk}")
        self.mention_head = session(f"{folder}/mention-head.onnx")
        self.entity_head = session(f"{folder}/entity-head.onnx")


def graphs_of(folder):
    """Way -> file of the trunk, file of the cross-encoder"""
    names = ("trunk-dual", "cross-encoder")
    files = {"fp32": [f"weights/{n}.fp32.onnx" for n in names], "s8": [f"{n}.onnx" for n in names]}
    for way, options in WAYS.items():
        files[way] = [f"weights/{n}.{way}.onnx" for n in names]
        for source, target in zip(files["fp32"], files[way]):
            kinds = ["MatMul", "Gather"]
            options = {**options, "per_channel": True, "op_types_to_quantize": kinds}
            quantize_dynamic(f"{folder}/{source}", f"{folder}/{target}", **options)
    return files


class Sample:
    """Dev mentions of a world and a small KB, as ids and features. gold [M]: rows of the KB"""

    def __init__(self, world, mentions, entities, rng):
        linked = [m for m in world.dev if world.mentions[m, 3] >= 0]
        picked = rng.permutation(linked)[:mentions]
        gold = sorted({int(world.mentions[m, 3]) for m in picked})
        others = [e for e in rng.permutation(len(world.entities)).tolist() if e not in set(gold)]
        kb = gold + others[: max(0, entities - len(gold))]
        row_of = {entity: row for row, entity in enumerate(kb)}
        documents = {int(d): world.pieces(d).tolist() for d in world.mentions[picked, 0]}
        at = {d: i for i, d in enumerate(documents)}
        self.gold = np.array([row_of[int(world.mentions[m, 3])] for m in picked])
        self.entities = [(world.entity_ids(e).tolist(), int(world.title_pieces[e])) for e in kb]
        self.entity_features = [world.row("entity_sparse", e).tolist() for e in kb]
        self.documents = list(documents.values())
        self.spans = [(at[int(d)], int(a), int(b)) for d, a, b in world.mentions[picked, :3]]
        self.mention_features = [world.row("mention_sparse", m).tolist() for m in picked]

    def pairs(self, candidates):
        """rows [M, K] -> M * K pairs"""
        contexts = [context_ids(self.documents[d], a, b) for d, a, b in self.spans]
        return [pair_ids(c, self.entities[row][0]) for c, rows in zip(contexts, candidates) for row in rows]


def measure(sample, graphs, cross, candidates, most):
    """-> entities' vectors [E, D], mentions' [M, D], candidates [M, K], logits [M, K], rates a second"""
    since = time.perf_counter()
    entities = graphs.entities(sample.entities, sample.entity_features)
    entity_rate = len(entities) / (time.perf_counter() - since)
    mentions = graphs.mentions(sample.documents, sample.spans, sample.mention_features)
    if candidates is None:
        candidates = np.argsort(-mentions @ entities.T, 1)[:, :most]
    pairs = sample.pairs(candidates)
    since = time.perf_counter()
    logits = score_pairs(cross, pairs).reshape(candidates.shape)
    return entities, mentions, candidates, logits, (entity_rate, len(pairs) / (time.perf_counter() - since))


def report(name, way, gold, of_way, of_fp32, weights):
    entities, mentions, candidates, logits, rates = of_way
    scores = mentions @ entities.T  # [M, E]
    fused = weights["similarity"] * np.take_along_axis(scores, candidates, 1) + weights["logit"] * logits
    first = np.take_along_axis(candidates, fused.argmax(1)[:, None], 1)[:, 0]
    cosines = [(a * b).sum(1).mean() for a, b in zip(of_way[:2], of_fp32[:2])]
    moved = np.abs(logits - of_fp32[3]).mean()
    right = (scores.argmax(1) == gold).mean(), (first == gold).mean()
    print(
        f"{name:8} {way:4}  R@1 {right[0]:.3f}, with logit {right[1]:.3f}  cosine {cosines[0]:.4f} {cosines[1]:.4f}"
        f"  logit moves {moved:.3f}  {rates[0]:.0f} entities/s {rates[1]:.0f} pairs/s",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="what export.py wrote")
    parser.add_argument("names", nargs="+", help="worlds")
    parser.add_argument("--worlds", required=True, help="what prepare.py wrote")
    parser.add_argument("--mentions", type=int, default=250)
    parser.add_argument("--entities", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=6, help="a mention")
    options = parser.parse_args()
    with open(MANIFEST) as file:
        weights = json.load(file)["calibration"]["ranking"]["fused"]
    files = graphs_of(options.folder)
    for name in options.names:
        world = World(f"{options.worlds}/{name}.npz")
        sample = Sample(world, options.mentions, options.entities, np.random.RandomState(0))
        of_fp32 = None
        for way, (trunk, cross) in files.items():
            graphs, run = Graphs(options.folder, trunk), scorer(f"{options.folder}/{cross}")
            candidates = None if of_fp32 is None else of_fp32[2]
            of_way = measure(sample, graphs, run, candidates, options.pairs)
            of_fp32 = of_fp32 or of_way
            report(name, way, sample.gold, of_way, of_fp32, weights)


if __name__ == "__main__":
    main()
