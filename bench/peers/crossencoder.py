"""sentence-transformers' own recipe for a reranker, from MiniLM: its CrossEncoderTrainer with binary cross-entropy,
one positive and hard negatives a mention, weighted as its documentation says; one pass.

https://sbert.net/docs/cross_encoder/training_overview.html
"""

import random
import tempfile

import torch
from datasets import Dataset
from sentence_transformers.cross_encoder import (
    CrossEncoder,
    CrossEncoderTrainer,
    CrossEncoderTrainingArguments,
)
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

from minilm import MODEL
from worlds import normal_form

TOKENS = 128
CANDIDATES = 16  # of a mention; those by exact name first, at most half
NEGATIVES = 4


def to_read(mentions, nearest, by_name):
    """Rows of each mention that are worth reading: of that very name, then the nearest."""
    lists = []
    for mention, near in zip(mentions, nearest):
        named = by_name.get(normal_form(mention.surface), [])[: CANDIDATES // 2]
        lists.append(list(dict.fromkeys([*named, *near]))[:CANDIDATES])
    return lists


def labelled_pairs(mentions, lists, entities, seed):
    """-> [(marked mention, entity, 1 or 0)]"""
    rng = random.Random(seed)
    pairs = []
    for mention, rows in zip(mentions, lists):
        others = [row for row in rows if row != mention.gold]
        chosen = rng.sample(others, min(NEGATIVES, len(others)))
        pairs.append((mention.marked, entities[mention.gold].text, 1.0))
        pairs += [(mention.marked, entities[row].text, 0.0) for row in chosen]
    return pairs


def train(pairs, seed):
    random.Random(seed).shuffle(pairs)
    model = CrossEncoder(MODEL, num_labels=1, max_length=TOKENS, device="cpu")
    mentions, entities, labels = map(list, zip(*pairs))
    arguments = CrossEncoderTrainingArguments(
        output_dir=tempfile.mkdtemp(prefix="referent-peers-"),
        num_train_epochs=1,
        per_device_train_batch_size=32,
        learning_rate=2e-5,
        warmup_ratio=0.1,
        use_cpu=True,
        seed=seed,
        save_strategy="no",
        report_to="none",
        logging_steps=50,
    )
    CrossEncoderTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({"mention": mentions, "entity": entities, "label": labels}),
        loss=BinaryCrossEntropyLoss(model, pos_weight=torch.tensor(float(NEGATIVES))),
    ).train()
    return model


def rerank(model, mentions, lists, entities, show_progress=True):
    """-> rows of each mention, best first"""
    pairs = [(m.marked, entities[row].text) for m, rows in zip(mentions, lists) for row in rows]
    scores = iter(model.predict(pairs, batch_size=32, show_progress_bar=show_progress).tolist())
    return [[row for _, row in sorted((-next(scores), row) for row in rows)] for rows in lists]
