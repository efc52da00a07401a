"""scispaCy's candidate generator: TF-IDF of character 3-grams, nearest neighbours over all names of the KB.

Neumann et al. 2019, https://arxiv.org/abs/1902.07669, and the package's candidate_generation.py: char_wb 3-grams,
min_df 10. They search approximately (nmslib); this search is exact, so nothing is lost to it.
"""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

NAMES = 300  # nearest names of a mention; an entity counts by its best one
MOST = 100
CHUNK = 32  # mentions at a time: [CHUNK, names] is dense


class Trigrams:
    def __init__(self, entities):
        names, rows = zip(*[(name, row) for row, entity in enumerate(entities) for name in entity.names])
        self.rows = np.array(rows)
        min_df = min(10, len(names))
        self.vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), min_df=min_df, dtype=np.float32)
        self.known = self.vectorizer.fit_transform(names).T.tocsr()  # [grams, names]

    def candidates(self, mentions):
        """-> rows of each mention, best first, at most 100"""
        asked = self.vectorizer.transform([m.surface for m in mentions])  # [M, grams]
        ranked = []
        for start in range(0, len(mentions), CHUNK):
            scores = (asked[start : start + CHUNK] @ self.known).toarray()  # [CHUNK, names]
            ranked += [best_rows(line, self.rows) for line in scores]
        return ranked


def best_rows(scores, rows):
    """Ties in the KB's order."""
    kept = min(NAMES, len(scores))
    nearest = np.sort(np.argpartition(-scores, kept - 1)[:kept])
    nearest = nearest[np.argsort(-scores[nearest], kind="stable")]
    return list(dict.fromkeys(rows[nearest[scores[nearest] > 0]].tolist()))[:MOST]
