"""Write the two compound heads as ONNX graphs: parts [M, 4, 384] -> vectors [M, 384], L2-normalised.

usage: python training/export_heads.py HEADS.safetensors MODEL_FOLDER
needs: numpy, onnx, safetensors, onnxruntime (to check the result against numpy)

Each graph is the card's formula with the shared projection at its end:
    u = sum_i mix[i] * x[i]  +  fc2 . gelu(fc1 . concat(x) + b1) + b2        gelu by erf
    v = l2normalise(projection . u + projection.bias)
"""
import math
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper, save
from safetensors.numpy import load_file

OPSET, IR_VERSION = 17, 8
HEADS = {"mention-head.onnx": "mention_head", "entity-head.onnx": "entity_head"}


def head_graph(weights, head, parts=4, width=384):
    constants = {
        "mix": weights[f"{head}.mix"].reshape(1, parts, 1),
        "fc1_weight": weights[f"{head}.fc1.weight"],
        "fc1_bias": weights[f"{head}.fc1.bias"],
        "fc2_weight": weights[f"{head}.fc2.weight"],
        "fc2_bias": weights[f"{head}.fc2.bias"],
        "projection_weight": weights["projection.weight"],
        "projection_bias": weights["projection.bias"],
        "flat_shape": np.array([-1, parts * width], np.int64),
        "part_axis": np.array([1], np.int64),
        "sqrt2": np.float32(math.sqrt(2)),
        "half": np.float32(0.5),
        "one": np.float32(1),
    }
    nodes = [
        helper.make_node("Mul", ["parts", "mix"], ["weighted"]),  # [M, 4, H]
        helper.make_node("ReduceSum", ["weighted", "part_axis"], ["mixed"], keepdims=0),  # [M, H]
        helper.make_node("Reshape", ["parts", "flat_shape"], ["flat"]),  # [M, 4H]
        helper.make_node("Gemm", ["flat", "fc1_weight", "fc1_bias"], ["z"], transB=1),  # [M, H]
        helper.make_node("Div", ["z", "sqrt2"], ["z_scaled"]),
        helper.make_node("Erf", ["z_scaled"], ["erf"]),
        helper.make_node("Add", ["erf", "one"], ["erf_one"]),
        helper.make_node("Mul", ["z", "erf_one"], ["z_gated"]),
        helper.make_node("Mul", ["z_gated", "half"], ["gelu"]),
        helper.make_node("Gemm", ["gelu", "fc2_weight", "fc2_bias"], ["deep"], transB=1),
        helper.make_node("Add", ["mixed", "deep"], ["u"]),
        helper.make_node("Gemm", ["u", "projection_weight", "projection_bias"], ["v"], transB=1),  # [M, D]
        helper.make_node("LpNormalization", ["v"], ["vectors"], axis=1, p=2),
    ]
    dimensions = weights["projection.weight"].shape[0]
    return helper.make_graph(
        nodes,
        head,
        [helper.make_tensor_value_info("parts", TensorProto.FLOAT, ["M", parts, width])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["M", dimensions])],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()],
    )


def reference(weights, head, parts):
    gelu = lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    w = lambda name: weights[f"{head}.{name}"]
    deep = gelu(parts.reshape(len(parts), -1) @ w("fc1.weight").T + w("fc1.bias"))
    u = np.einsum("mkd,k->md", parts, w("mix")) + deep @ w("fc2.weight").T + w("fc2.bias")
    v = u @ weights["projection.weight"].T + weights["projection.bias"]
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def main(source, folder):
    weights = load_file(source)
    sample = np.random.default_rng(1).normal(size=(5, 4, 384)).astype(np.float32)
    for name, head in HEADS.items():
        model = helper.make_model(
            head_graph(weights, head),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="referent",
        )
        checker.check_model(model, full_check=True)
        path = f"{folder}/{name}"
        save(model, path)
        ours = onnxruntime.InferenceSession(path).run(None, {"parts": sample})[0]
        difference = np.abs(ours - reference(weights, head, sample)).max()
        assert difference < 1e-5, difference
        print(path, "largest difference to numpy", difference)


if __name__ == "__main__":
    main(*sys.argv[1:])
