"""A tagger's checkpoint -> what ships.

    python export_tagger.py RUNS/tagger-v1/average.pt RUNS/tagger-data OUT

    tagger.onnx          int8: input_ids, attention_mask, shapes, names int64 [B, T] -> logits of O, B, I [B, T, 3]
    tagger.fp32.onnx     the same unquantised, to measure int8 against (does not ship)
    golden-tagger.json   sentences of the demo with their inputs, and logits by fp32 and by int8
    training.json        configuration, data hash, step, log of the run; F1 on dev by fp32 and int8
"""

import json
import os
import sys

import numpy as np
import onnxruntime
import torch

from export_cross import OPSET, quantise
from tagger import Tagger, collate, evaluate, load_documents

INPUTS = ("input_ids", "attention_mask", "shapes", "names")
GOLDEN_DOCUMENTS, CHECKED_DOCUMENTS = 6, 30


def export_graph(model, path):
    example = collate([([2023, 2003], [2, 1], [1, 0]), ([2023], [1], [0])])
    axes = {name: {0: "B", 1: "T"} for name in (*INPUTS, "logits")}
    options = {"input_names": list(INPUTS), "output_names": ["logits"], "dynamic_axes": axes}
    with torch.no_grad():
        torch.onnx.export(model, tuple(example), path, opset_version=OPSET, dynamo=False, **options)


def runner(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    return lambda *inputs: session.run(None, {n: x.numpy() for n, x in zip(INPUTS, inputs)})[0]


def golden_documents(data, fp32, int8):
    with open(f"{data}/demo.jsonl", encoding="utf-8") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(GOLDEN_DOCUMENTS))]
    for row in rows:
        inputs = collate([(row["pieces"], row["shapes"], row["names"])])
        for name, run in (("logits", fp32), ("logitsInt8", int8)):
            row[name] = np.round(run(*inputs)[0, 1:-1], 4).tolist()  # [N, 3]
    keys = ("text", "pieces", "shapes", "names", "logits", "logitsInt8")
    return [{key: row[key] for key in keys} for row in rows]


def main(checkpoint, data, out):
    os.makedirs(out, exist_ok=True)
    saved = torch.load(checkpoint, weights_only=False)
    model = Tagger()
    model.load_state_dict(saved["model"])
    export_graph(model.eval(), f"{out}/tagger.fp32.onnx")
    quantise(f"{out}/tagger.fp32.onnx", f"{out}/tagger.onnx")
    fp32, int8 = runner(f"{out}/tagger.fp32.onnx"), runner(f"{out}/tagger.onnx")

    documents, _ = load_documents(data)
    checked, seen = [], {}
    for document in documents:
        seen[document.world, document.split] = seen.get((document.world, document.split), 0) + 1
        if document.split == "dev" and seen[document.world, "dev"] <= CHECKED_DOCUMENTS:
            checked.append(document)
    f1 = {name: {w: round(s[2], 4) for w, s in evaluate(run, checked).items()} for name, run in (("fp32", fp32), ("int8", int8))}
    training = {key: saved[key] for key in ("config", "data", "step", "history")} | {"f1": f1}
    for name, content in (("golden-tagger", golden_documents(data, fp32, int8)), ("training", training)):
        with open(f"{out}/{name}.json", "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
    print("at step", saved["step"], json.dumps(f1))


if __name__ == "__main__":
    main(*sys.argv[1:])
