"""What words find: names in normal form, and BM25 (Robertson & Zaragoza 2009) over name and description."""

from collections import Counter, defaultdict

import numpy as np
import scipy.sparse

from texts import base_forms, normal_form, words

K1, B = 1.2, 0.75
ALIASES, DESCRIPTION_CHARS = 20, 1000
CONTEXT_CHARS, CONTEXT_WORDS = 120, 12
MENTION_WEIGHT, CONTEXT_WEIGHT = 3.0, 0.25
COMMON = 0.3  # a context word in more than this share of all entities says nothing


class Names:
    """Normal form -> rows of the entities that are called so."""

    def __init__(self, entities):
        self.rows = defaultdict(list)
        for row, entity in enumerate(entities):
            for form in {normal_form(n) for n in [entity["title"], *entity["aliases"]]}:
                self.rows[form].append(row)

    def exact(self, surface):
        """Rows named exactly so; where there are none, by any of its base forms."""
        form = normal_form(surface)
        if form in self.rows:
            return self.rows[form]
        found = [row for base in base_forms(form) for row in self.rows.get(base, [])]
        return list(dict.fromkeys(found))


class Bm25:
    def __init__(self, entities):
        counts = [Counter(words(searched_text(e))) for e in entities]
        self.word_row = {}
        at, columns, frequency = [], [], []
        for column, count in enumerate(counts):
            for word, n in count.items():
                at.append(self.word_row.setdefault(word, len(self.word_row)))
                columns.append(column)
                frequency.append(n)
        lengths = np.array([sum(c.values()) for c in counts])
        at, columns = np.array(at), np.array(columns)
        frequency, N = np.array(frequency, np.float32), len(entities)
        found_in = np.bincount(at)
        idf = np.log(1 + (N - found_in + 0.5) / (found_in + 0.5))
        length_norm = 1 - B + B * lengths[columns] / lengths.mean()
        weights = idf[at] * frequency * (K1 + 1) / (frequency + K1 * length_norm)
        shape = (len(self.word_row), N)
        self.weights = scipy.sparse.csr_matrix((weights.astype(np.float32), (at, columns)), shape)

    def best(self, query, most):
        """Rows of the `most` best entities, best first. query: word -> weight."""
        N = self.weights.shape[1]
        scores = np.zeros(N, np.float32)  # [E]
        for word, weight in query.items():
            row = self.word_row.get(word)
            if row is None:
                continue
            begin, end = self.weights.indptr[row : row + 2]
            if end - begin > COMMON * N and weight < MENTION_WEIGHT:
                continue
            scores[self.weights.indices[begin:end]] += weight * self.weights.data[begin:end]
        order = np.argsort(-scores, kind="stable")[:most]
        return order[scores[order] > 0]


def searched_text(entity):
    aliases = " ".join(entity["aliases"][:ALIASES])
    return f"{entity['title']} {aliases} {entity['description'][:DESCRIPTION_CHARS]}"


def query_of(text, start, end):
    """The mention's words, and lightly those around it. Offsets in code points."""
    left = words(text[max(0, start - CONTEXT_CHARS) : start])[-CONTEXT_WORDS:]
    right = words(text[end : end + CONTEXT_CHARS])[:CONTEXT_WORDS]
    query = dict.fromkeys(left + right, CONTEXT_WEIGHT)
    query.update(dict.fromkeys(words(text[start:end]), MENTION_WEIGHT))
    return query
