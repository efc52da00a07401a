"""A checkpoint of dual.py -> what ships of the dual encoder.

    python export_dual.py RUNS/dual-v1/average.pt OUT        (or `v0`: v0's weights as they are)

    trunk-dual.onnx      int8: input_ids, attention_mask int64 [B, T] -> hidden float32 [B, T, H]
    mention-head.onnx    fp32: parts [N, 4, H], sparse int64 [N, S] -> vectors [N, D], unit length
    entity-head.onnx     the same for entities
    dual-trunk.safetensors, dual-heads.safetensors    to train further from (do not ship)
    training-dual.json   configuration, data hash, step and log of the run
"""

import json
import os
import sys

import torch
import torch.nn as nn
from safetensors.torch import save_file

from dual import Config
from export_cross import OPSET, quantise
from model import HIDDEN, DualEncoder, collate_rows, load_dual, to_hugging_face
from sparse import MAX_FEATURES


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


def export(module, example, path, inputs, output, axes):
    axes = {name: axes for name in inputs} | {output: axes}
    options = {"input_names": inputs, "output_names": [output], "opset_version": OPSET}
    with torch.no_grad():
        torch.onnx.export(module, example, path, dynamic_axes=axes, dynamo=False, **options)


def load(checkpoint):
    """-> model, what is said of its training"""
    if checkpoint == "v0":
        return load_dual(Config.trunk, Config.heads), {"weights": "v0"}
    saved = torch.load(checkpoint, weights_only=False)
    model = DualEncoder()
    model.load_state_dict(saved["model"])
    return model, {key: saved[key] for key in ("config", "data", "step", "history")}


def main(checkpoint, out):
    os.makedirs(out, exist_ok=True)
    model, training = load(checkpoint)
    model.eval()
    ids, mask, _ = collate_rows([[101, 2023, 2003, 102], [101, 2023, 102]])
    rows = {0: "B", 1: "T"}
    full = f"{out}/trunk-dual.fp32.onnx"
    export(TrunkGraph(model.trunk), (ids, mask), full, ["input_ids", "attention_mask"], "hidden", rows)
    quantise(full, f"{out}/trunk-dual.onnx")
    parts, sparse = torch.randn(2, 4, HIDDEN), torch.ones(2, MAX_FEATURES, dtype=torch.long)
    for name, head in (("mention-head", model.mention_head), ("entity-head", model.entity_head)):
        graph = HeadGraph(head, model.projection)
        export(graph, (parts, sparse), f"{out}/{name}.onnx", ["parts", "sparse"], "vectors", {0: "N"})
    trunk = {k: v.half().contiguous() for k, v in to_hugging_face(model.trunk).items()}
    save_file(trunk, f"{out}/dual-trunk.safetensors", metadata={"format": "pt"})
    heads = {k: v.float().contiguous() for k, v in model.state_dict().items() if not k.startswith("trunk.")}
    save_file(heads, f"{out}/dual-heads.safetensors")
    with open(f"{out}/training-dual.json", "w") as file:
        json.dump(training, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
