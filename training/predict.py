"""Step 5: what the product itself finds for dev mentions of every world: what calibrate.py fits on.

    python predict.py --model FOLDER --data RUNS/kbs --out RUNS/predictions [--worlds ...] [--mentions 300]

FOLDER is a model folder whose manifest was written with `make_manifest.py … --deep`. Imports each world into a
knowledge base of its own, evaluates a sample of dev without priors (`<world>.jsonl`), learns the world's train
split and evaluates again (`<world>.priors.jsonl`). Needs the built command line (`npm run build`). What is there
is not made again.
"""

import argparse
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENT = os.path.join(HERE, "../bin/referent.mjs")
# worlds in which every mention of an entity is marked; the others' marks are hyperlinks
COMPLETE = ("craft", "disease", "wordnet")
WORLDS = "namesakes rpg disease foldoc attack mdn win32 wiki craft wordnet".split()


class Product:
    def __init__(self, referent, model, data):
        self.referent = referent
        self.environment = os.environ | {"REFERENT_MODEL_DIR": model, "REFERENT_DATA_DIR": data}

    def run(self, *arguments):
        print("referent", *arguments, flush=True)
        command = ["node", self.referent, *arguments]
        subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)


def predict(product, world, folder, entities, options):
    """entities: the file that becomes the knowledge base"""
    out, mentions = options.out, options.mentions
    kb = ["--kb", world]
    gold = f"{folder}/dev.jsonl.gz"
    partial = [] if world in COMPLETE or world.startswith("namesakes") else ["--partial"]
    runs = {f"{out}/{world}.jsonl": ["--no-priors"], f"{out}/{world}.priors.jsonl": []}
    if world.startswith("namesakes"):  # a dev name was never seen in train: nothing to learn
        runs.pop(f"{out}/{world}.priors.jsonl")
    if all(os.path.exists(path) for path in runs):
        return
    product.run("import", entities, *kb)
    for path, flags in runs.items():
        if os.path.exists(path):
            continue
        if not flags and not world.startswith("namesakes"):
            product.run("learn", f"{folder}/train.jsonl.gz", *kb, *partial)
        sample = ["--mentions", "given", "--limit", str(mentions), "--all-candidates", "100"]
        product.run("evaluate", gold, *kb, *flags, *sample, "--predictions", f"{path}.part")
        os.replace(f"{path}.part", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, help="where the knowledge bases go")
    parser.add_argument("--out", required=True)
    parser.add_argument("--worlds", nargs="*", default=WORLDS)
    parser.add_argument("--worlds-folder", default=os.path.join(HERE, "../../shared/data"))
    parser.add_argument("--namesakes-folder", required=True, help="what namesakes/compile.py wrote")
    parser.add_argument("--cut", help="folder of <world>.jsonl.gz with fewer entities, where time is short")
    parser.add_argument("--referent", default=REFERENT, help="the command line's file")
    parser.add_argument("--mentions", type=int, default=300, help="a world")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    product = Product(options.referent, os.path.abspath(options.model), os.path.abspath(options.data))
    for world in options.worlds:
        if world == "namesakes":
            for topic in sorted(os.listdir(options.namesakes_folder)):
                folder = f"{options.namesakes_folder}/{topic}"
                predict(product, topic, folder, f"{folder}/entities.jsonl.gz", options)
            continue
        folder = f"{options.worlds_folder}/{world}"
        cut = f"{options.cut}/{world}.jsonl.gz"
        entities = cut if options.cut and os.path.exists(cut) else f"{folder}/entities.jsonl.gz"
        predict(product, world, folder, entities, options)


if __name__ == "__main__":
    main()
