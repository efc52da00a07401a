"""The dual encoder of a model folder (int8 ONNX graphs), and the hybrid order of its candidates.

Compound dual encoder: Gillick et al. 2019, https://arxiv.org/abs/1909.10506; formulas in the model card.
"""

import json
import os

import numpy as np
import onnxruntime

from lexical import Bm25, Names, query_of
from model import HIDDEN
from sparse import padded_features
from texts import CLS, SEP, WINDOW_PIECES, WINDOW_STRIDE, normal_form, window_of

TOKENS_A_BATCH = 2048
ALIAS_HITS, LEXICAL_HITS = 100, 50


def session(path, threads=2):
    """Without spinning: a background run must not burn the cores that others wait for."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options)


def padded(rows):
    """Lists of ids -> ids, mask, int64 [B, T]."""
    T = max(len(r) for r in rows)
    ids, mask = np.zeros((len(rows), T), np.int64), np.zeros((len(rows), T), np.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)], mask[at, : len(row)] = row, 1
    return ids, mask


def batches_by_length(lengths, tokens=TOKENS_A_BATCH):
    """Positions of rows of like length, so that little is padding."""
    order = np.argsort(lengths, kind="stable")
    while len(order):
        size = max(1, tokens // int(lengths[order[0]]))
        yield order[:size]
        order = order[size:]


class DualEncoder:
    def __init__(self, folder):
        with open(os.path.join(folder, "manifest.json")) as file:
            self.manifest = json.load(file)
        graph = lambda name: session(os.path.join(folder, self.manifest["files"][name]["path"]))
        self.trunk, self.mention_head = graph("trunk"), graph("mentionHead")
        self.entity_head = graph("entityHead")

    def hidden(self, rows):
        """Lists of ids -> [B, T, H]"""
        ids, mask = padded(rows)
        return self.trunk.run(None, {"input_ids": ids, "attention_mask": mask})[0]

    def entities(self, laid_out, sparse):
        """(ids, title pieces) and sparse features of each entity -> unit vectors [E, D]"""
        vectors = np.zeros((len(laid_out), self.manifest["dimensions"]), np.float32)
        for at in batches_by_length(np.array([len(ids) for ids, _ in laid_out])):
            h = self.hidden([laid_out[i][0] for i in at])  # [B, T, H]
            parts = [entity_parts(h[k], *laid_out[i]) for k, i in enumerate(at)]
            vectors[at] = run_head(self.entity_head, np.stack(parts), [sparse[i] for i in at])
        return vectors

    def mentions(self, documents, spans, sparse):
        """documents: lists of pieces; spans: (document, a, b) and features of each mention -> unit [M, D]"""
        windows, places = lay_out_windows(documents, spans)
        parts = np.zeros((len(spans), 4, HIDDEN), np.float32)
        for at in batches_by_length(np.array([len(w) for w in windows])):
            h = self.hidden([windows[i] for i in at])  # [B, T, H]
            for k, window in enumerate(at):
                for mention, first, end in places[window]:
                    x = h[k]  # [T, H]
                    parts[mention] = [x[first:end].mean(0), x[first], x[end - 1], x[0]]
        return run_head(self.mention_head, parts, sparse)


def run_head(head, parts, sparse):
    """parts [N, 4, H], lists of features -> [N, D]; heads without sparse features have one input."""
    inputs = {"parts": parts}
    if len(head.get_inputs()) > 1:
        inputs["sparse"] = padded_features(sparse)
    return head.run(None, inputs)[0]


def entity_parts(h, ids, title):
    """h [T, H] -> [4, H]: [CLS], title, all, all after the title."""
    n = len(ids)
    rest = h[title + 2 : n - 1]
    rest = rest.mean(0) if len(rest) else np.zeros_like(h[0])
    return np.stack([h[0], h[1 : title + 1].mean(0) if title else h[0] * 0, h[:n].mean(0), rest])


def lay_out_windows(documents, spans):
    """Windows of ids; for each window its (mention, first id, end id). Mentions share windows."""
    windows, places, number = [], [], {}
    for mention, (document, a, b) in enumerate(spans):
        pieces = documents[document]
        k = window_of(a, b, len(pieces))
        if (document, k) not in number:
            number[document, k] = len(windows)
            begin = k * WINDOW_STRIDE
            windows.append([CLS, *pieces[begin : begin + WINDOW_PIECES], SEP])
            places.append([])
        window = number[document, k]
        first = max(0, a - k * WINDOW_STRIDE) + 1
        end = min(b - k * WINDOW_STRIDE + 1, len(windows[window]) - 1)
        places[window].append((mention, first, max(end, first + 1)))
    return windows, places


class Hybrid:
    """Retrieval score of every entity, in units of the cosine: cosine + what an exact name and a BM25 rank add."""

    def __init__(self, entities, vectors, ranking):
        self.names, self.bm25, self.vectors = Names(entities), Bm25(entities), vectors
        unit = ranking["retrieval"]["similarity"]
        self.bonus = {name: weight / unit for name, weight in ranking["retrieval"].items()}
        self.offset = ranking["bm25Offset"]
        self.titles = [normal_form(entity["title"]) for entity in entities]

    def scores(self, text, start, end, vector):
        """vector [D] of the mention text[start:end] -> retrieval scores [E]"""
        scores = self.vectors @ vector  # [E]
        form = normal_form(text[start:end])
        for row in self.names.exact(text[start:end])[:ALIAS_HITS]:
            scores[row] += self.bonus["exactTitle" if self.titles[row] == form else "exactAlias"]
        hits = self.bm25.best(query_of(text, start, end), LEXICAL_HITS)
        scores[hits] += self.bonus["bm25"] / (np.arange(len(hits)) + self.offset)
        return scores
