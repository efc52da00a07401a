"""The cross-encoder: a MiniLM trunk that reads mention and candidate together, and gives one logit.

References
    BERT: Devlin et al. 2019, https://arxiv.org/abs/1810.04805
    MiniLM: Wang et al. 2020, https://arxiv.org/abs/2002.10957 (the weights: all-MiniLM-L6-v2)
    cross-encoder for candidates: Logeswaran et al. 2019; BLINK, Wu et al. 2020, sec. 4.2
    marked mentions: Baldini Soares et al. 2019 (matching the blanks), entity markers
"""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

from texts import CLOSE, OPEN, PAD

LAYERS, HIDDEN, HEADS, INNER = 6, 384, 12, 1536
VOCABULARY, POSITIONS, EPSILON = 30522, 512, 1e-12

# this file's name of a part of a layer: Hugging Face's
HUGGING_FACE = {
    "out": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "norm2": "output.LayerNorm",
}


class Layer(nn.Module):
    """Post-norm transformer layer. Attention is written out: `scaled_dot_product_attention` in bf16
    is slow on CPUs, and these plain products become plain ONNX nodes."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.out = nn.Linear(HIDDEN, HIDDEN)
        self.norm1 = nn.LayerNorm(HIDDEN, EPSILON)
        self.inner = nn.Linear(HIDDEN, INNER)
        self.outer = nn.Linear(INNER, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, EPSILON)

    def forward(self, x, bias):
        B, T, _ = x.shape
        qkv = self.qkv(x).view(B, T, 3, HEADS, HIDDEN // HEADS)  # [B, T, 3, A, H/A]
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # 3 x [B, A, T, H/A]
        weights = q @ k.transpose(-1, -2) * (HIDDEN // HEADS) ** -0.5  # [B, A, T, T]
        attended = torch.softmax(weights + bias.to(q.dtype), -1) @ v  # [B, A, T, H/A]
        attended = attended.transpose(1, 2).reshape(B, T, HIDDEN)  # [B, T, H]
        x = self.norm1(x + self.out(attended))  # [B, T, H]
        return self.norm2(x + self.outer(F.gelu(self.inner(x))))  # [B, T, H]


class Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        self.word = nn.Embedding(VOCABULARY, HIDDEN)
        self.position = nn.Embedding(POSITIONS, HIDDEN)
        self.segment = nn.Embedding(2, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, EPSILON)
        self.layers = nn.ModuleList([Layer() for _ in range(LAYERS)])

    def forward(self, ids, mask, segments):
        """[B, T] x 3 -> [B, T, H]"""
        x = self.word(ids) + self.position.weight[: ids.shape[1]] + self.segment(segments)
        x = self.norm(x)  # [B, T, H]
        bias = (1.0 - mask.to(x.dtype))[:, None, None, :] * -1e4  # [B, 1, 1, T]
        for layer in self.layers:
            x = layer(x, bias)
        return x


class CrossEncoder(nn.Module):
    """Head over four parts: [CLS], the marked mention, the entity, the context (all means)."""

    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.fc1 = nn.Linear(4 * HIDDEN, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, 1)

    def forward(self, ids, mask, segments):
        """[B, T] x 3, int64 -> logits [B]"""
        h = self.trunk(ids, mask, segments).float()  # [B, T, H]
        entity = segments.float() * mask.float()  # [B, T]
        context = mask.float() - entity  # [B, T]
        opened = (ids == OPEN).long().cumsum(1) - (ids == CLOSE).long().cumsum(1)
        mention = opened.clamp(0, 1).float() * (1 - entity)  # [B, T]: [M] and the mention
        parts = [h[:, 0], mean(h, mention), mean(h, entity), mean(h, context)]  # 4 x [B, H]
        return self.fc2(F.gelu(self.fc1(torch.cat(parts, 1)))).squeeze(-1)  # [B]


def mean(h, weights):
    """h [B, T, H], weights [B, T] -> [B, H]; zeros where all weights are zero."""
    total = weights.sum(1, keepdim=True).clamp(min=1)
    return (h * weights.unsqueeze(-1)).sum(1) / total


def collate(pairs):
    """(ids, start of the second segment) of each pair -> ids, mask, segments, int64 [B, T]."""
    B, T = len(pairs), max(len(ids) for ids, _ in pairs)
    ids = np.full((B, T), PAD, np.int64)
    mask, segments = np.zeros((B, T), np.int64), np.zeros((B, T), np.int64)
    for row, (pair, second) in enumerate(pairs):
        ids[row, : len(pair)] = pair
        mask[row, : len(pair)] = 1
        segments[row, second : len(pair)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(segments)


# ---- weights under Hugging Face's names ----


def load_pretrained(trunk_file, head_file=None):
    """A BertModel's safetensors; the head of an earlier cross-encoder, or a fresh one."""
    model = CrossEncoder()
    model.trunk.load_state_dict(from_hugging_face(load_file(trunk_file)))
    if head_file:
        head = {k.removeprefix("cross_head."): v for k, v in load_file(head_file).items()}
        model.load_state_dict(head, strict=False)
    else:
        nn.init.normal_(model.fc2.weight, std=1 / math.sqrt(HIDDEN) / 10)
        with torch.no_grad():  # the unused pieces' vectors are noise: start the markers as '"'
            model.trunk.word.weight[OPEN] = model.trunk.word.weight[1000]
            model.trunk.word.weight[CLOSE] = model.trunk.word.weight[1000] * 0.9
    return model


def from_hugging_face(weights):
    state = {
        "word.weight": weights["embeddings.word_embeddings.weight"],
        "position.weight": weights["embeddings.position_embeddings.weight"],
        "segment.weight": weights["embeddings.token_type_embeddings.weight"],
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }
    for at in range(LAYERS):
        theirs, ours = f"encoder.layer.{at}.", f"layers.{at}."
        for kind in ("weight", "bias"):
            qkv = [weights[f"{theirs}attention.self.{x}.{kind}"] for x in ("query", "key", "value")]
            state[f"{ours}qkv.{kind}"] = torch.cat(qkv)  # [3H, H] or [3H]
            for part, name in HUGGING_FACE.items():
                state[f"{ours}{part}.{kind}"] = weights[f"{theirs}{name}.{kind}"]
    return {k: v.float() for k, v in state.items()}


def to_hugging_face(trunk):
    state = trunk.state_dict()
    weights = {
        "embeddings.word_embeddings.weight": state["word.weight"],
        "embeddings.position_embeddings.weight": state["position.weight"],
        "embeddings.token_type_embeddings.weight": state["segment.weight"],
        "embeddings.LayerNorm.weight": state["norm.weight"],
        "embeddings.LayerNorm.bias": state["norm.bias"],
    }
    for at in range(LAYERS):
        theirs, ours = f"encoder.layer.{at}.", f"layers.{at}."
        for kind in ("weight", "bias"):
            qkv = state[f"{ours}qkv.{kind}"].chunk(3)
            for name, part in zip(("query", "key", "value"), qkv):
                weights[f"{theirs}attention.self.{name}.{kind}"] = part
            for part, name in HUGGING_FACE.items():
                weights[f"{theirs}{name}.{kind}"] = state[f"{ours}{part}.{kind}"]
    return weights
