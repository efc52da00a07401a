"""The networks: a MiniLM trunk, the dual encoder with its compound heads, the cross-encoder.

Legend: B rows of a batch, T ids of a row, H = 384 hidden, D = 384 dimensions of a vector, M mentions, E entities

References
    BERT: Devlin et al. 2019, https://arxiv.org/abs/1810.04805
    MiniLM: Wang et al. 2020, https://arxiv.org/abs/2002.10957 (the weights: all-MiniLM-L6-v2)
    cross-encoder for candidates: Logeswaran et al. 2019; BLINK, Wu et al. 2020, sec. 4.2
    marked mentions: Baldini Soares et al. 2019 (matching the blanks), entity markers
    compound dual encoder: Gillick et al. 2019, sec. 4.1, https://arxiv.org/abs/1909.10506
"""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file

from sparse import BUCKETS
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


class Compound(nn.Module):
    """A head: a learned mix of its parts, plus a small network over all of them, plus sparse features.

    parts [N, P, H], sparse features [N, S] (0: none) -> [N, H]"""

    def __init__(self, parts, width=64):
        super().__init__()
        self.mix = nn.Parameter(torch.zeros(parts))
        self.fc1, self.fc2 = nn.Linear(parts * HIDDEN, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.table = nn.Embedding(BUCKETS, width, padding_idx=0)
        self.sparse = nn.Linear(width, HIDDEN, bias=False)
        nn.init.normal_(self.table.weight, std=0.1)
        nn.init.zeros_(self.sparse.weight)  # the start is the head without sparse features

    def forward(self, parts, sparse):
        mixed = torch.einsum("nph,p->nh", parts, self.mix)
        count = (sparse > 0).sum(1, keepdim=True).clamp(min=1)  # [N, 1]
        known = (sparse > 0).unsqueeze(-1).to(parts.dtype)  # [N, S, 1]
        features = (self.table(sparse) * known).sum(1) / count  # [N, 64]
        return mixed + self.fc2(F.gelu(self.fc1(parts.flatten(1)))) + self.sparse(features)


class DualEncoder(nn.Module):
    """One trunk for texts and entities; vectors are unit length, the score is their dot product."""

    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.mention_head, self.entity_head = Compound(4), Compound(4)
        self.projection = nn.Linear(HIDDEN, HIDDEN)  # shared: Dong et al. 2022
        self.log_scale = nn.Parameter(torch.tensor(3.2))

    def scale(self):
        return self.log_scale.clamp(max=math.log(60)).exp()

    def mentions(self, h, window, first, end, sparse):
        """h [B, T, H]; the mention is h[window, first:end]; window, first, end [M] -> [M, D]"""
        return self.project(self.mention_head(mention_parts(h, window, first, end), sparse))

    def entities(self, h, lengths, titles, sparse):
        """h [B, T, H]; ids and title pieces of each row [B] -> [B, D]"""
        return self.project(self.entity_head(entity_parts(h, lengths, titles), sparse))

    def project(self, x):
        return F.normalize(self.projection(x), dim=-1)


def mention_parts(h, window, first, end):
    """-> [M, 4, H]: mean of the span, first, last, [CLS]"""
    sums = F.pad(h.cumsum(1), (0, 0, 1, 0))  # [B, T + 1, H]
    span = (sums[window, end] - sums[window, first]) / (end - first).unsqueeze(1)
    return torch.stack([span, h[window, first], h[window, end - 1], h[window, 0]], 1)


def entity_parts(h, lengths, titles):
    """-> [B, 4, H]: [CLS], title, all, all after the title's [SEP] without the last one"""
    at = torch.arange(h.shape[1])[None]  # [1, T]
    title = (at >= 1) & (at <= titles[:, None])
    rest = (at >= titles[:, None] + 2) & (at < lengths[:, None] - 1)
    means = [mean(h, mask.float()) for mask in (title, at < lengths[:, None], rest)]
    return torch.stack([h[:, 0], *means], 1)


def thaw(model, frozen_layers):
    """Freezes the trunk's embeddings and lowest layers."""
    trunk = model.trunk
    for part in (trunk.word, trunk.position, trunk.segment, trunk.norm, *trunk.layers[:frozen_layers]):
        part.requires_grad_(False)


def collate_rows(rows):
    """Lists of ids -> ids, mask, segments (all 0), int64 [B, T]."""
    return collate([(ids, len(ids)) for ids in rows])


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


def trunk_weights(path):
    """A BertModel's weights; what a file leaves out (frozen embeddings) is taken from the file that it names."""
    with safe_open(path, "pt") as file:
        base = (file.metadata() or {}).get("base")
    return (load_file(base) if base else {}) | load_file(path)


def load_pretrained(trunk_file, head_file=None):
    """A BertModel's safetensors; the head of an earlier cross-encoder, or a fresh one."""
    model = CrossEncoder()
    model.trunk.load_state_dict(from_hugging_face(trunk_weights(trunk_file)))
    if head_file:
        head = {k.removeprefix("cross_head."): v for k, v in load_file(head_file).items()}
        model.load_state_dict(head, strict=False)
    else:
        nn.init.normal_(model.fc2.weight, std=1 / math.sqrt(HIDDEN) / 10)
        with torch.no_grad():  # the unused pieces' vectors are noise: start the markers as '"'
            model.trunk.word.weight[OPEN] = model.trunk.word.weight[1000]
            model.trunk.word.weight[CLOSE] = model.trunk.word.weight[1000] * 0.9
    return model


def load_dual(trunk_file, heads_file):
    """A BertModel's safetensors, and the heads of an earlier dual encoder (v0's names)."""
    model = DualEncoder()
    model.trunk.load_state_dict(from_hugging_face(trunk_weights(trunk_file)))
    heads = {k: v for k, v in load_file(heads_file).items() if not k.startswith("tagger.")}
    missing, unexpected = model.load_state_dict(heads, strict=False)
    if unexpected:
        raise SystemExit(f"{heads_file}: unknown weights {unexpected}")
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
