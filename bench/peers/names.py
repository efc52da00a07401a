"""Linkers that look at names and words only: scispaCy's candidate generator, and BM25."""

import os
import pickle

import bm25s

from trigrams import Trigrams

TRIGRAMS, BM25 = "trigrams.pickle", "bm25"


class TrigramLinker:
    @staticmethod
    def prepare(world, folder, seed):
        with open(os.path.join(folder, TRIGRAMS), "wb") as file:
            pickle.dump(Trigrams(world.entities), file)

    def __init__(self, world, folder):
        with open(os.path.join(folder, TRIGRAMS), "rb") as file:
            self.trigrams = pickle.load(file)

    def link(self, document, mentions):
        return [rows[0] if rows else None for rows in self.trigrams.candidates(mentions)]


class Bm25Linker:
    """Titles, names and descriptions, asked for the mention's words."""

    @staticmethod
    def prepare(world, folder, seed):
        texts = ["; ".join([*entity.names, entity.description]) for entity in world.entities]
        index = bm25s.BM25()
        index.index(bm25s.tokenize(texts, stopwords=None, show_progress=False), show_progress=False)
        index.save(os.path.join(folder, BM25))

    def __init__(self, world, folder):
        self.index = bm25s.BM25.load(os.path.join(folder, BM25))

    def link(self, document, mentions):
        asked = bm25s.tokenize([m.surface for m in mentions], stopwords=None, return_ids=False, show_progress=False)
        found, _ = self.index.retrieve(asked, k=1, show_progress=False)
        return [int(row[0]) for row in found]
