"""spaCy's EntityLinker with an InMemoryLookupKB in a blank English pipeline: candidates are the entities of exactly that
name, with priors counted on the train split; MiniLM vectors of the entities; its own model is trained for a bounded time.

https://spacy.io/api/entitylinker, https://github.com/explosion/projects/tree/v3/tutorials/nel_emerson
"""

import os
import random
import time
from collections import Counter, defaultdict

import spacy
from spacy.kb import InMemoryLookupKB
from spacy.training import Example
from spacy.util import compounding, filter_spans, minibatch

from minilm import MiniLm, entity_vectors

DIMENSIONS = 384
MODEL = "spacy"


class SpacyLinker:
    @staticmethod
    def prepare(world, folder, seed):
        spacy.util.fix_random_seed(seed)
        nlp = spacy.blank("en")
        nlp.add_pipe("sentencizer")
        settings = {"entity_vector_length": DIMENSIONS, "use_gold_ents": True, "incl_prior": True}
        linker = nlp.add_pipe("entity_linker", config=settings)
        vectors = entity_vectors(MiniLm(), world.entities, folder)
        linker.set_kb(lambda vocab: knowledge_base(vocab, world, vectors))
        examples = [example for document in world.train_documents if (example := labelled(nlp, document))]
        optimizer = nlp.initialize(lambda: examples)
        train(nlp, examples, optimizer, world.train_seconds, seed)
        nlp.to_disk(os.path.join(folder, MODEL))

    def __init__(self, world, folder):
        self.nlp = spacy.load(os.path.join(folder, MODEL))
        self.row_of = world.row_of

    def link(self, document, mentions):
        doc = self.nlp.make_doc(document["text"])
        spans = spans_of(doc, document)
        doc.ents = filter_spans([span for span in spans if span is not None])
        for _, pipe in self.nlp.pipeline:
            doc = pipe(doc)
        linked = {(ent.start, ent.end): ent.kb_id_ for ent in doc.ents}
        ids = [span and linked.get((span.start, span.end)) for span in spans]
        return [self.row_of.get(entity) for entity in ids]


def knowledge_base(vocab, world, vectors):
    """Of a name that several entities have, one that labelled texts link more often counts more."""
    counts, called = Counter(), defaultdict(dict)
    for row, entity in enumerate(world.entities):
        for name in entity.names:
            called[name][row] = 1
    for mention in world.train:
        called[mention.surface].setdefault(mention.gold, 0)
        called[mention.surface][mention.gold] += 1
        counts[mention.gold] += 1
    kb = InMemoryLookupKB(vocab=vocab, entity_vector_length=DIMENSIONS)
    ids = [entity.id for entity in world.entities]
    kb.set_entities(entity_list=ids, freq_list=[counts[row] + 1 for row in range(len(ids))], vector_list=vectors)
    for name, rows in called.items():
        # Rounded down: probabilities of a name may not come to more than 1.
        total = sum(rows.values()) * 1.000001
        kb.add_alias(alias=name, entities=[ids[row] for row in rows], probabilities=[n / total for n in rows.values()])
    return kb


def spans_of(doc, document):
    """Offsets are UTF-16 units; None where no tokens are there."""
    units = document["text"].encode("utf-16-le")

    def point(unit):
        return len(units[: 2 * unit].decode("utf-16-le", "ignore"))

    return [
        doc.char_span(point(m["start"]), point(m["end"]), label="NAME", alignment_mode="expand")
        for m in document["mentions"]
    ]


def labelled(nlp, document):
    doc = nlp.make_doc(document["text"])
    reference = doc.copy()
    entities = []
    for span, mention in zip(spans_of(reference, document), document["mentions"]):
        if span is not None and mention["entityId"] is not None:
            entities.append(spacy.tokens.Span(reference, span.start, span.end, label="NAME", kb_id=mention["entityId"]))
    reference.ents = filter_spans(entities)
    nlp.get_pipe("sentencizer")(reference)
    return Example(doc, reference) if reference.ents else None


def train(nlp, examples, optimizer, seconds, seed):
    """Passes over the examples until the time is over."""
    rng, until = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < until:
        rng.shuffle(examples)
        for batch in minibatch(examples, compounding(4.0, 32.0, 1.01)):
            nlp.update(batch, sgd=optimizer, annotates=["sentencizer"])
            if time.monotonic() > until:
                return
