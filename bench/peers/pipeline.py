"""The way this is often built in Python: sentence-transformers encodes, FAISS finds the nearest entities, a CrossEncoder
reads the mention with each of them. Weights: MiniLM; the CrossEncoder is trained by crossencoder.py."""

import os

import faiss
from sentence_transformers.cross_encoder import CrossEncoder

import crossencoder
from minilm import MiniLm, entity_vectors
from worlds import rows_by_name

INDEX, READER = "entities.faiss", "cross-encoder"


class Pipeline:
    @staticmethod
    def prepare(world, folder, seed):
        model = MiniLm()
        vectors = entity_vectors(model, world.entities, folder)
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        faiss.write_index(index, os.path.join(folder, INDEX))
        nearest = model.candidates(world.train, vectors, crossencoder.CANDIDATES)
        lists = crossencoder.to_read(world.train, nearest, rows_by_name(world.entities))
        pairs = crossencoder.labelled_pairs(world.train, lists, world.entities, seed)
        crossencoder.train(pairs, seed).save_pretrained(os.path.join(folder, READER))

    def __init__(self, world, folder, pairs):
        self.entities = world.entities
        self.pairs = min(pairs, len(world.entities))
        self.model = MiniLm()
        self.index = faiss.read_index(os.path.join(folder, INDEX))
        path = os.path.join(folder, READER)
        self.reader = CrossEncoder(path, max_length=crossencoder.TOKENS, device="cpu")

    def link(self, document, mentions):
        """-> rows, best for each mention"""
        vectors = self.model.encode([m.sentence for m in mentions], show_progress=False)
        _, nearest = self.index.search(vectors, self.pairs)
        ranked = crossencoder.rerank(self.reader, mentions, nearest.tolist(), self.entities, show_progress=False)
        return [rows[0] for rows in ranked]
