"""The golden file of a model folder: fixed inputs, and what the graphs make of them, by fp32 and by int8.

    python golden.py ../models/referent-v1/golden.json FOLDER OUT.json

The inputs (texts, mentions, entities, pairs, with their ids) are those of an earlier golden file; vectors and
logits are computed anew. FOLDER is what export.py wrote.
"""

import json
import sys

import numpy as np

from evaluate_cross import scorer
from model import collate
from retriever import DualEncoder, entity_parts, run_head, session
from sparse import entity_features, mention_features

DECIMALS = 5


class Graphs(DualEncoder):
    """The dual encoder's graphs of a folder, under the names that export_dual.py gives."""

    def __init__(self, folder, trunk):
        self.trunk = session(f"{folder}/{trunk}")
        self.mention_head = session(f"{folder}/mention-head.onnx")
        self.entity_head = session(f"{folder}/entity-head.onnx")


def rounded(vector):
    return [round(float(x), DECIMALS) for x in vector]


def add_mentions(golden, graphs, name):
    for context in golden["contexts"]:
        text = context["text"]
        for window in context["windows"]:
            h = graphs.hidden([window["input_ids"]])[0]  # [T, H]
            for place in window["mentions"]:
                first, end = place["first"], place["end"]
                mention = context["mentions"][place["mention"]]
                surface = text.encode("utf-16-le")[2 * mention["start"] : 2 * mention["end"]]
                parts = np.stack([h[first:end].mean(0), h[first], h[end - 1], h[0]])
                features = mention_features(surface.decode("utf-16-le"))
                place[name] = rounded(run_head(graphs.mention_head, parts[None], [features])[0])


def add_entities(golden, graphs, name):
    for entry in golden["entities"]:
        h = graphs.hidden([entry["input_ids"]])[0]  # [T, H]
        parts = entity_parts(h, entry["input_ids"], entry["titlePieces"])
        features = entity_features(entry["entity"])
        entry[name] = rounded(run_head(graphs.entity_head, parts[None], [features])[0])


def add_pairs(golden, run, name):
    for pair in golden["pairs"]:
        inputs = collate([(pair["input_ids"], pair["firstOfSecondSegment"])])
        pair[name] = round(float(run(*inputs)[0]), DECIMALS)


def main(source, folder, out):
    with open(source, encoding="utf-8") as file:
        golden = json.load(file)
    fp32 = ("weights/trunk-dual.fp32.onnx", "weights/cross-encoder.fp32.onnx", "vector", "logit")
    int8 = ("trunk-dual.onnx", "cross-encoder.onnx", "vectorInt8", "logitInt8")
    for trunk, cross, vector, logit in (fp32, int8):
        graphs = Graphs(folder, trunk)
        add_mentions(golden, graphs, vector)
        add_entities(golden, graphs, vector)
        add_pairs(golden, scorer(f"{folder}/{cross}"), logit)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
