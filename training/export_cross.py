"""Step 5: a checkpoint -> what ships, and what to train further from.

    python export.py RUNS/cross-v1/average.pt OUT

    cross-encoder.onnx              int8: input_ids, attention_mask, token_type_ids int64 [B, T] -> logits [B]
    cross-encoder.fp32.onnx         the same unquantised, to measure int8 against (does not ship)
    cross-trunk/model.safetensors   fp16, Hugging Face names;  cross-head.safetensors   fp32
    golden-pairs.json               ids of pairs, and their logits by fp32 and by int8
    training.json                   configuration, data hash, step and log of the run
"""

import json
import os
import sys

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import save_file

from evaluate_cross import scorer
from model import CrossEncoder, collate, to_hugging_face
from texts import CLOSE, CLS, OPEN, SEP

OPSET = 17
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
GOLDEN_SEED, GOLDEN_PAIRS = 5, 6


def export_graph(model, path):
    context = [CLS, 2023, OPEN, 2003, CLOSE, 1037, SEP]
    segments = [3231, SEP], [3231, 2009, SEP]
    example = collate([(context + segment, len(context)) for segment in segments])
    axes = {name: {0: "B", 1: "T"} for name in INPUTS} | {"logits": {0: "B"}}
    options = {"input_names": list(INPUTS), "output_names": ["logits"], "dynamic_axes": axes}
    with torch.no_grad():
        torch.onnx.export(model, example, path, opset_version=OPSET, dynamo=False, **options)


def quantise(source, target):
    """Dynamic, per channel; weights signed, activations unsigned, as the dual encoder's graphs."""
    options = {"weight_type": QuantType.QInt8, "per_channel": True}
    quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Gather"], **options)


def golden_pairs(fp32, int8):
    """Pairs of made-up ids in the layout of pairs: enough to see that a graph is computed rightly."""
    rng, golden = np.random.default_rng(GOLDEN_SEED), []
    for _ in range(GOLDEN_PAIRS):
        parts = [rng.integers(1996, 20000, n).tolist() for n in rng.integers(1, 28, 4)]
        left, mention, right, entity = parts
        context = [CLS, *left, OPEN, *mention, CLOSE, *right, SEP]
        inputs = collate([([*context, *entity, SEP], len(context))])
        pair = {"input_ids": inputs[0][0].tolist(), "firstOfSecondSegment": len(context)}
        for name, run in (("logit", fp32), ("logitInt8", int8)):
            pair[name] = round(float(run(*inputs)[0]), 5)
        golden.append(pair)
    return golden


def main(checkpoint, out):
    os.makedirs(f"{out}/cross-trunk", exist_ok=True)
    saved = torch.load(checkpoint, weights_only=False)
    model = CrossEncoder()
    model.load_state_dict(saved["model"])
    model.eval()
    export_graph(model, f"{out}/cross-encoder.fp32.onnx")
    quantise(f"{out}/cross-encoder.fp32.onnx", f"{out}/cross-encoder.onnx")

    trunk = {k: v.half().contiguous() for k, v in to_hugging_face(model.trunk).items()}
    save_file(trunk, f"{out}/cross-trunk/model.safetensors", metadata={"format": "pt"})
    head = {k: v for k, v in model.state_dict().items() if not k.startswith("trunk.")}
    head = {f"cross_head.{k}": v.float().contiguous() for k, v in head.items()}
    save_file(head, f"{out}/cross-head.safetensors")

    golden = golden_pairs(scorer(f"{out}/cross-encoder.fp32.onnx"), scorer(f"{out}/cross-encoder.onnx"))
    training = {key: saved[key] for key in ("config", "data", "step", "history")}
    for name, content in (("golden-pairs", golden), ("training", training)):
        with open(f"{out}/{name}.json", "w") as file:
            json.dump(content, file, indent=1)
    logits = [(pair["logit"], pair["logitInt8"]) for pair in golden]
    print(out, "at step", saved["step"], "golden logits", logits)


if __name__ == "__main__":
    main(*sys.argv[1:])
