"""The written worlds: texts with marked mentions -> worlds in the format of the others.

    python compile.py [--out FOLDER] [--whole]        without --out it only checks, and says what it found

Each topic is two files, written by hand:
    <topic>.entities.jsonl    {"id", "family", "title", "aliases", "types", "description"}, one a line
    <topic>.texts.txt         one text a line, mentions as [[surface|entity id]]; [[surface|?family]] is a
                              mention of something that is not in the knowledge base (NIL)

A family is a group of entities that share a name. One family in five is kept for dev, chosen by the hash of
its name: a dev mention's name was never seen in training. Every mention of a text is marked.
"""

import argparse
import glob
import gzip
import hashlib
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = re.compile(r"\[\[([^\[\]|]+)\|([^\[\]|]+)\]\]")
DEV_SHARE = 5


def utf16_length(text):
    return len(text.encode("utf-16-le")) // 2


def is_dev(family):
    return int(hashlib.sha256(family.encode()).hexdigest(), 16) % DEV_SHARE == 0


def read_text(line):
    """'Some [[name|id]] here' -> text, [(start, end, surface, target)] in UTF-16 units"""
    text, mentions, at = "", [], 0
    for match in MARK.finditer(line):
        text += line[at : match.start()]
        start = utf16_length(text)
        text += match[1]
        mentions.append((start, utf16_length(text), match[1], match[2]))
        at = match.end()
    return text + line[at:], mentions


def problems_of(topic, entities, lines):
    """What is wrong, as sentences; empty when all is well."""
    families = {e["family"] for e in entities.values()}
    for e in entities.values():
        if set(e) != {"id", "family", "title", "aliases", "types", "description"}:
            yield f"{topic}: entity {e['id']} has the fields {sorted(e)}"
    for number, line in enumerate(lines, 1):
        text, mentions = read_text(line)
        if not mentions:
            yield f"{topic}.texts.txt:{number}: no mention"
        if "[[" in text or "]]" in text:
            yield f"{topic}.texts.txt:{number}: a mark is broken"
        for _, _, surface, target in mentions:
            known = target[1:] in families if target.startswith("?") else target in entities
            if not known:
                yield f"{topic}.texts.txt:{number}: [[{surface}|{target}]] names nothing known"
            if surface != surface.strip():
                yield f"{topic}.texts.txt:{number}: [[{surface}|{target}]] has spaces at its ends"


def load(topic):
    with open(f"{HERE}/{topic}.entities.jsonl", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    entities = {row["id"]: row for row in rows}
    if len(entities) != len(rows):
        raise SystemExit(f"{topic}: an id stands twice")
    path = f"{HERE}/{topic}.texts.txt"
    lines = open(path, encoding="utf-8").read().split("\n") if os.path.exists(path) else []
    return entities, [line for line in lines if line.strip()]


def documents_of(topic, entities, lines, whole=False):
    """-> train, dev: documents; those without any mention in the split are left out.

    whole: dev documents keep their mentions of train too, so that all that stands in a text is marked"""
    splits = {"train": [], "dev": []}
    for number, line in enumerate(lines, 1):
        text, marked = read_text(line)
        mentions = {"train": [], "dev": []}
        for start, end, surface, target in marked:
            family = target[1:] if target.startswith("?") else entities[target]["family"]
            entity = None if target.startswith("?") else target
            mention = {"start": start, "end": end, "text": surface, "entityId": entity}
            mentions["dev" if is_dev(family) else "train"].append(mention)
        # A text of both is dev's: nothing of it is seen in training.
        split = "dev" if mentions["dev"] else "train"
        chosen = mentions["train"] + mentions["dev"] if whole else mentions[split]
        splits[split].append({"id": f"{topic}-{number}", "text": text, "mentions": chosen})
    return splits


def write(path, rows):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", help="one world a topic is written here")
    parser.add_argument("--whole", action="store_true", help="keep all mentions of dev's texts: for the tagger")
    options = parser.parse_args()
    out = options.out
    found = False
    for path in sorted(glob.glob(f"{HERE}/*.entities.jsonl")):
        topic = os.path.basename(path).removesuffix(".entities.jsonl")
        entities, lines = load(topic)
        for problem in problems_of(topic, entities, lines):
            found = True
            print(problem)
        if out and not found:
            folder = f"{out}/namesakes-{topic}"
            os.makedirs(folder, exist_ok=True)
            rows = [{k: v for k, v in e.items() if k != "family"} for e in entities.values()]
            write(f"{folder}/entities.jsonl.gz", rows)
            for split, documents in documents_of(topic, entities, lines, options.whole).items():
                write(f"{folder}/{split}.jsonl.gz", documents)
        marked = [m for line in lines for m in read_text(line)[1]]
        nil = sum(target.startswith("?") for _, _, _, target in marked)
        used = len({target for _, _, _, target in marked if not target.startswith("?")})
        print(f"{topic}: {len(entities)} entities ({used} mentioned), {len(lines)} texts,", end=" ")
        print(f"{len(marked)} mentions, {nil} of them NIL")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
