"""Write test/support/sparse-golden.json: what TypeScript's sparse features must equal.

usage: python training/sparse_golden.py
"""

import json
import os

from sparse import entity_features, mention_features

NAMES = ["cat", "Mercury", "NASA", "U.S.", "iPhone", "Freddie Mercury", "of Mice", "The Who", "42", "C++", "--"]
NAMES += ["fs.readFile()", "QUERY_TIMEOUT", "std::vector", "x:y", "Zürich", "ÉCOLE", "Ünal", "世界", "x", "X", "😀"]
NAMES += ["Array.prototype.map", "HTTP 429", "e.g. so", "3D Printing", "", "IL-2", "α-Synuclein", "Windows 95"]
TYPES = [[], ["planet"], ["chemical element", "Metal"], [" HTTP status "], ["Größe", "タイプ"], list("abcdefghij")]


def main():
    target = os.path.join(os.path.dirname(__file__), "../test/support/sparse-golden.json")
    mentions = [{"surface": name, "features": mention_features(name)} for name in NAMES]
    entities = [{"title": "Mercury", "types": types} for types in TYPES]
    entities = [entity | {"features": entity_features(entity)} for entity in entities]
    with open(target, "w", encoding="utf-8") as file:
        json.dump({"mentions": mentions, "entities": entities}, file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
