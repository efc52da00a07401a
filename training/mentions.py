"""The candidate files of step 3, read back: groups of mention and candidates, turned into pairs."""

import glob
import json
import os
from dataclasses import dataclass

import numpy as np

from texts import CONTEXT_IDS, ENTITY_IDS, context_ids, pair_ids, sha256_of


@dataclass
class Mention:
    world: str
    pieces: np.ndarray  # [n] of the document around it
    span: tuple  # a, b: the mention is pieces[a:b]
    gold: int  # row of the world's cut KB; -1: nothing fits
    gold_score: float  # retrieval score of gold, also where it is not among the candidates
    candidates: np.ndarray  # [K] rows, best first
    scores: np.ndarray  # [K] retrieval scores

    @property
    def rivals(self):
        """[(row, retrieval score)] without gold, best first."""
        pairs = zip(self.candidates.tolist(), self.scores.tolist())
        return [(row, score) for row, score in pairs if row != self.gold]

    @property
    def margin(self):
        """By how much gold leads its best rival: negative where the first candidate is wrong."""
        return self.gold_score - self.rivals[0][1]


class World:
    def __init__(self, path):
        self.name = os.path.splitext(os.path.basename(path))[0]
        file = np.load(path)
        self.meta = json.loads(str(file["meta"]))
        self.entity_ids, self.entity_offsets = file["entity_ids"], file["entity_offsets"]
        names = ("gold", "gold_score", "candidates", "scores", "spans", "is_dev", "piece_offsets")
        column = {name: file[name] for name in names}
        pieces, at = file["pieces"], column["piece_offsets"]
        mentions = [
            Mention(
                self.name,
                pieces[at[i] : at[i + 1]],
                tuple(column["spans"][i].tolist()),
                int(column["gold"][i]),
                float(column["gold_score"][i]),
                column["candidates"][i],
                column["scores"][i],
            )
            for i in range(len(column["gold"]))
        ]
        self.dev = [m for m, is_dev in zip(mentions, column["is_dev"]) if is_dev]
        self.train = [m for m, is_dev in zip(mentions, column["is_dev"]) if not is_dev]

    def pair(self, mention, row, context=CONTEXT_IDS, entity=ENTITY_IDS):
        begin, end = self.entity_offsets[row : row + 2]
        left_to_right = context_ids(mention.pieces.tolist(), *mention.span, context)
        return pair_ids(left_to_right, self.entity_ids[begin:end].tolist(), entity)


def load_worlds(folder):
    """World by name, and the hash of all files: what a checkpoint was trained on."""
    paths = sorted(glob.glob(os.path.join(folder, "*.npz")))
    if not paths:
        raise SystemExit(f"{folder}: no candidate files; run mine.py first")
    return {world.name: world for world in map(World, paths)}, sha256_of(paths)
