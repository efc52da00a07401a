"""Step 7: checkpoints -> the graphs that ship, and weights to train further from.

    python export.py --dual RUNS/dual-v1/average.pt --cross RUNS/cross-v1/average.pt --out FOLDER

In FOLDER, to be copied into a model folder:
    trunk-dual.onnx      int8: input_ids, attention_mask int64 [B, T] -> hidden float32 [B, T, H]
    mention-head.onnx    fp32: parts [N, 4, H], sparse int64 [N, S] -> vectors [N, D], unit length
    entity-head.onnx     the same for entities
    cross-encoder.onnx   int8: input_ids, attention_mask, token_type_ids int64 [B, T] -> logits [B]
In FOLDER/weights, to measure against and to train further from:
    *.fp32.onnx          the trunks unquantised
    dual-trunk, cross-trunk .safetensors (fp16, Hugging Face names, layers only), dual-heads, cross-head (fp32)
    training.json        of both runs: configuration, data hash, step and log
`v0` in place of a checkpoint takes v0's weights as they are, `shipped` those of weights/.
"""

import argparse
import json
import os

import torch
import torch.nn as nn
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import save_file

import cross
import dual
from model import HIDDEN, CrossEncoder, DualEncoder, collate, collate_rows
from model import load_dual, load_pretrained, to_hugging_face
from sparse import MAX_FEATURES
from texts import CLOSE, CLS, OPEN, SEP

OPSET = 17
HEAD_INPUTS = ["parts", "sparse"]
PAIR_INPUTS = ["input_ids", "attention_mask", "token_type_ids"]


class TrunkGraph(nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk

    def forward(self, ids, mask):
        return self.trunk(ids, mask, torch.zeros_like(ids))


class HeadGraph(nn.Module):
    """A compound head with the shared projection at its end."""

    def __init__(self, head, projection):
        super().__init__()
        self.head, self.projection = head, projection

    def forward(self, parts, sparse):
        v = self.projection(self.head(parts, sparse))  # [N, D]
        return v / v.norm(dim=-1, keepdim=True)


def export_graph(module, example, path, inputs, output, axes):
    dynamic = {name: axes for name in inputs} | {output: axes}
    options = {"input_names": inputs, "output_names": [output], "opset_version": OPSET}
    with torch.no_grad():
        torch.onnx.export(module, example, path, dynamic_axes=dynamic, dynamo=False, **options)


def quantise(source, target):
    """Dynamic, per channel; weights signed, activations unsigned."""
    options = {"weight_type": QuantType.QInt8, "per_channel": True}
    quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Gather"], **options)


def save_weights(model, trunk_path, heads_path, base):
    """Without the embeddings, which stayed frozen: they are those of `base`."""
    trunk = {k: v.half().contiguous() for k, v in to_hugging_face(model.trunk).items()}
    layers = {k: v for k, v in trunk.items() if not k.startswith("embeddings.")}
    save_file(layers, trunk_path, metadata={"format": "pt", "base": base})
    heads = {k: v for k, v in model.state_dict().items() if not k.startswith("trunk.")}
    save_file({k: v.float().contiguous() for k, v in heads.items()}, heads_path)


def export_dual(model, out):
    ids, mask, _ = collate_rows([[CLS, 2023, 2003, SEP], [CLS, 2023, SEP]])
    full = f"{out}/weights/trunk-dual.fp32.onnx"
    names = ["input_ids", "attention_mask"]
    export_graph(TrunkGraph(model.trunk), (ids, mask), full, names, "hidden", {0: "B", 1: "T"})
    quantise(full, f"{out}/trunk-dual.onnx")
    parts, sparse = torch.randn(2, 4, HIDDEN), torch.ones(2, MAX_FEATURES, dtype=torch.long)
    for name, head in (("mention-head", model.mention_head), ("entity-head", model.entity_head)):
        graph = HeadGraph(head, model.projection)
        export_graph(graph, (parts, sparse), f"{out}/{name}.onnx", HEAD_INPUTS, "vectors", {0: "N"})
    heads = f"{out}/weights/dual-heads.safetensors"
    save_weights(model, f"{out}/weights/dual-trunk.safetensors", heads, dual.Config.trunk)


def export_cross(model, out):
    context = [CLS, 2023, OPEN, 2003, CLOSE, 1037, SEP]
    segments = [3231, SEP], [3231, 2009, SEP]
    example = collate([(context + segment, len(context)) for segment in segments])
    full = f"{out}/weights/cross-encoder.fp32.onnx"
    export_graph(model, example, full, PAIR_INPUTS, "logits", {0: "B", 1: "T"})
    quantise(full, f"{out}/cross-encoder.onnx")
    head = f"{out}/weights/cross-head.safetensors"
    save_weights(model, f"{out}/weights/cross-trunk.safetensors", head, cross.Config.trunk)


def load_earlier_dual(name):
    """v0's or the shipped dual encoder."""
    v0 = (dual.Config.trunk, dual.Config.heads)
    shipped = ("weights/dual-trunk.safetensors", "weights/dual-heads.safetensors")
    return load_dual(*{"v0": v0, "shipped": shipped}[name])


def load_earlier_cross(name):
    v0 = (cross.Config.trunk, cross.Config.head)
    shipped = ("weights/cross-trunk.safetensors", "weights/cross-head.safetensors")
    return load_pretrained(*{"v0": v0, "shipped": shipped}[name])


def load(checkpoint, model, earlier):
    """-> model, what is said of its training"""
    if checkpoint in ("v0", "shipped"):
        return earlier(checkpoint).eval(), {"weights": checkpoint}
    saved = torch.load(checkpoint, weights_only=False)
    model.load_state_dict(saved["model"])
    return model.eval(), {key: saved[key] for key in ("config", "data", "step", "history")}


def main():
    parser = argparse.ArgumentParser()
    for name in ("dual", "cross", "out"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    os.makedirs(f"{options.out}/weights", exist_ok=True)
    model, of_dual = load(options.dual, DualEncoder(), load_earlier_dual)
    export_dual(model, options.out)
    model, of_cross = load(options.cross, CrossEncoder(), load_earlier_cross)
    export_cross(model, options.out)
    with open(f"{options.out}/weights/training.json", "w") as file:
        json.dump({"dual": of_dual, "cross": of_cross}, file, indent=1)


if __name__ == "__main__":
    main()
