"""Cuts the model card's evaluation samples out of the worlds' dev files.

The card of v0 measured at most 1,500 mentions a set, drawn with Python's random.Random(7). To compare like
with like, this writes the same mentions, in documents with their whole text:

    python training/card_sample.py WORLDS OUT [world ...]     ->  OUT/<world>.jsonl

Only the standard library is needed.
"""
import gzip
import json
import random
import sys
from pathlib import Path

MENTIONS = 1500


def sample(world: Path, out: Path) -> int:
    with gzip.open(world / 'dev.jsonl.gz', 'rt', encoding='utf-8') as lines:
        documents = [json.loads(line) for line in lines]
    order = [(d, m) for d in range(len(documents)) for m in range(len(documents[d]['mentions']))]
    picked = set(random.Random(7).sample(range(len(order)), min(MENTIONS, len(order))))
    keep = {order[i] for i in picked}
    with open(out / f'{world.name}.jsonl', 'w', encoding='utf-8') as file:
        for d, document in enumerate(documents):
            mentions = [x for m, x in enumerate(document['mentions']) if (d, m) in keep]
            if mentions:
                file.write(json.dumps({**document, 'mentions': mentions}, ensure_ascii=False) + '\n')
    return len(keep)


if __name__ == '__main__':
    worlds, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[3:] or ['mdn', 'rpg', 'foldoc', 'disease', 'win32', 'attack']:
        print(name, sample(worlds / name, out), 'mentions', file=sys.stderr)
