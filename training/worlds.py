"""The prepared worlds of step 1, read back."""

import glob
import json
import os

import numpy as np

from texts import sha256_of


class World:
    """Legend: E entities, M mentions, D documents.

    mentions [M, 7]: document, first piece, end piece, row of gold (-1: NIL), is dev, start, end (code points)
    """

    def __init__(self, path):
        self.name = os.path.splitext(os.path.basename(path))[0]
        file = np.load(path)
        self.meta = json.loads(str(file["meta"]))
        self.texts, self.entities = json.loads(str(file["texts"])), json.loads(str(file["entities"]))
        self.mentions, self.title_pieces = file["mentions"], file["title_pieces"]
        names = ("pieces", "entity_ids", "entity_sparse", "mention_sparse")
        self.columns = {name: (file[name], file[f"{name}_offsets"]) for name in names}
        self.train = np.flatnonzero(self.mentions[:, 4] == 0)
        self.dev = np.flatnonzero(self.mentions[:, 4] == 1)

    def pieces(self, document):
        return self.row("pieces", document)

    def entity_ids(self, row):
        return self.row("entity_ids", row)

    def surface(self, mention):
        document, _, _, _, _, start, end = self.mentions[mention]
        return self.texts[document][start:end]

    def row(self, name, at):
        flat, offsets = self.columns[name]
        return flat[offsets[at] : offsets[at + 1]]


def paths_in(folder, names=None):
    paths = sorted(glob.glob(os.path.join(folder, "*.npz")))
    if names:
        paths = [p for p in paths if os.path.splitext(os.path.basename(p))[0] in names]
    if not paths:
        raise SystemExit(f"{folder}: no prepared worlds; run prepare.py first")
    return paths


def load_worlds(folder, names=None):
    """World by name, and the hash of all files: what a checkpoint was trained on."""
    paths = paths_in(folder, names)
    return {world.name: world for world in map(World, paths)}, sha256_of(paths)
