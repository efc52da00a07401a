"""docs/experiments.md from the JSON files of `experiments.py`. What is not there is said to be missing."""

from experiments_tables import Results, by_group, figure, joined, number, of_groups, recall_table, signed
from experiments_tables import table, verdict
from head_experiments import HeadConfig
from small import SmallConfig, paired_difference, recall, standard_error
from trunk_experiments import TrunkConfig

HEAD = """# Experiments

Made by `python experiments.py --page`; do not edit. Small runs at one small budget, to see what the model's design
rests on. They are no measure of the shipped model: that is in [accuracy.md](accuracy.md).

    cd training
    python experiments.py --runs RUNS --all     # RUNS holds worlds and candidates: prepare.py, mine.py
    python experiments.py --runs RUNS --page ../docs/experiments.md

"""


def commands(*names):
    return f"\n`python experiments.py --runs RUNS --only {' '.join(names)}`\n\n"


BUDGET = """## The budget, and the noise

Worlds: mdn, rpg, disease, wordnet, and the six written ones (namesakes), which together weigh as one. Of each up to
{small.mentions} train and {small.mentions} dev mentions ({n} dev mentions in all); the KB is cut to the gold entities, v0's best candidates
({small.candidates} of a train mention, {small.dev_candidates} of a dev mention), and random ones: {small.entities} entities or more. A mention is seen in {small.window_pieces} pieces of text, an
entity in {small.entity_ids} ids. Recall is by exact search; an entity with gold's very vector does not count against it.

A run that trains a trunk: {trunk.steps} steps of {trunk.mentions} mentions and {trunk.hard} entities beside the gold ones ({seen} mentions seen),
seed {trunk.seed}, from the original all-MiniLM-L6-v2 (so that v0's training does not decide), mean pooling, all weights
trained unless it says otherwise. A run that trains heads only: {head.steps} steps of {head.mentions} mentions on frozen states of the same
trunk. Batches come in one order for all runs of a kind. This is little training: what needs more to show does
not show here.

A share of .5 over {n} mentions has a standard error of {error:.3f}. Differences are taken on the same mentions, with the
standard error of that difference; **bold** is more than two of them, anything else is called noise. One comparison
in twenty is bold by chance alone. That error is of the mentions; what chance does in training, a second run of the
first model with another seed shows:

"""


def budget(results):
    trunk = TrunkConfig()
    row = next(filter(None, map(results.row, ("int8", "lexical", "untrained", "towers-shared"))), None)
    n = len(joined(row["ranks"])) if row else 0
    numbers = {"n": n, "error": standard_error(0.5, max(n, 1)), "seen": trunk.steps * trunk.mentions}
    entries = [
        ("seed 1", ("towers-shared",), "–"),
        ("seed 2", ("seed-2",), "two trainings that differ by no more than this do not differ"),
        ("untrained", ("untrained",), "where all start"),
    ]
    text = BUDGET.format(small=SmallConfig(), trunk=trunk, head=HeadConfig(), **numbers)
    names = ("towers-shared", "seed-2", "untrained")
    return text + recall_table(results, entries, "seed 1") + commands(*names)


PICTURE = """
![t-SNE of mentions and entities](experiments-tsne.png)

t-SNE of {shown} dev mentions and their gold entities, a panel a model. What the eye may over-read, a linear probe says
in one figure: the share of held-out vectors whose side (mention or entity) a logistic regression names rightly, .5
where the sides lie together: {told}.
"""
SIDES = {"towers-shared": "SDE", "towers-separate": "ADE"}
SIDES |= {"towers-projection-shared": "ADE with a shared projection"}


def towers(results):
    entries = [
        ("SDE: one tower", ("towers-shared",), "the trunk and the projection are shared"),
        ("ADE: two towers", ("towers-separate",), "not kept: twice the weights"),
        ("ADE, shared token embedder", ("towers-tokens-shared",), "not kept"),
        ("ADE, frozen token embedder", ("towers-tokens-frozen",), "embeddings are frozen, of one tower"),
        ("ADE, shared projection", ("towers-projection-shared",), "shared, over each side's own head"),
    ]
    extra = {"trained weights": lambda row: f"{row['parameters'] / 1e6:.1f} M"}
    text = "## 1. Shared or separate towers (Dong et al. 2022)\n\n"
    text += recall_table(results, entries, "SDE: one tower", extra)
    picture = results.found.get("picture")
    if picture:
        told = ", ".join(f"{label} {figure(picture['told'][name])}" for name, label in SIDES.items())
        text += PICTURE.format(shown=picture["shown"], told=told)
    else:
        text += "\nThe t-SNE picture did not run.\n"
    return text + commands(*(source[0] for _, source, _ in entries), "picture")


NEGATIVES = """## 2. Rounds of hard negatives (Gillick et al. 2019)

The same number of entities a step in all three; the other mentions' gold entities are negatives in all.

"""


def negatives(results):
    entries = [
        ("0 rounds: random entities", ("negatives-0",), "not kept"),
        ("1 round: mined by the start", ("towers-shared",), "kept, and taken further:"),
        (
            "2 rounds: mined again half-way",
            ("negatives-2",),
            "mined in every step, from a bank of past vectors",
        ),
    ]
    text = NEGATIVES + recall_table(results, entries, "0 rounds: random entities")
    return text + commands("negatives-0", "towers-shared", "negatives-2")


HEADS = """## 3. Compound heads, mean pooling, [CLS]

Heads only, on frozen states of the untrained trunk, which was made for mean pooling: [CLS] would gain from a trained
trunk. All end in one trained projection; the compound heads add two small networks of their own.

"""


def heads(results):
    entries = [
        ("[CLS]", ("head-cls",), "as one of the compound head's four parts"),
        ("mean pooling", ("head-mean",), "as the start of the compound heads"),
        ("compound heads", ("head-compound",), "kept, one for each side"),
    ]
    return (
        HEADS
        + recall_table(results, entries, "mean pooling")
        + commands("head-cls", "head-mean", "head-compound")
    )


SEVERAL = """## 4. One vector an entity, or several (Luan et al. 2021)

The best of an entity's vectors counts. The encoder is v0's, trained with one vector an entity, and not trained
further: this says what several vectors bring to a finished model, not what a model trained for them would do.
Worlds with descriptions: mdn, rpg, disease, the small KBs. A part is the title and 40 pieces of the description, at
most two of them.

"""


def several(results):
    entries = [
        ("one: all in 64 ids", ("several-vectors", "all"), "kept"),
        ("one: name, types, aliases", ("several-vectors", "name"), "not kept"),
        ("one: title, first part", ("several-vectors", "first part"), "not kept"),
        ("two: name; all", ("several-vectors", "name, all"), "not kept"),
        ("up to three: all; parts", ("several-vectors", "all, parts"), "not kept"),
        ("up to three: name; parts", ("several-vectors", "name, parts"), "not kept"),
    ]
    extra = {"vectors an entity": lambda row: f"{row['vectors'] / row['entities']:.1f}"}
    return SEVERAL + recall_table(results, entries, "one: all in 64 ids", extra) + commands("several-vectors")


LEXICAL = """## 5. Dense, BM25, alias table, hybrid

v0's vectors over the cut KBs of step 1 (12,000 to 28,000 entities; the written worlds about 150). The alias table has
no prior: entities of one name stand in the KB's order. The weights of the hybrid are v0's; later models fit their own.

"""


def lexical(results):
    entries = [
        ("dense (v0)", ("lexical", "dense"), "the base of the hybrid"),
        ("alias table", ("lexical", "alias table"), "as a bonus for its hits"),
        ("BM25", ("lexical", "BM25"), "as a bonus by rank for its hits"),
        ("dense + alias", ("lexical", "dense + alias"), "kept in the hybrid"),
        ("dense + BM25", ("lexical", "dense + BM25"), "kept in the hybrid"),
        ("hybrid", ("lexical", "hybrid"), "kept"),
    ]
    text = LEXICAL + recall_table(results, entries, "dense (v0)")
    made = results.found.get("lexical")
    if made:
        rows = [["R@1 / R@64", "n", *(row["label"] for row in made["rows"])]]
        for group in ("mdn", "rpg", "disease", "wordnet", "namesakes"):
            of = [by_group(row["ranks"], group) for row in made["rows"]]
            rows.append(
                [group, len(of[0]), *(f"{figure(recall(x, 1))} / {figure(recall(x, 64))}" for x in of)]
            )
        text += "\n" + table(rows)
    return text + commands("lexical")


BOUND = """## 6. Random projections against a trained one (Luan et al. 2021, sec. 3)

v0's vectors, 384 dimensions, projected to k; KBs of 4,000 entities (gold ones, v0's best candidates, random ones), so
that R@10 and R@64 are higher than in section 5. _Lost_: of the pairs (gold, rival) that the full vectors order rightly,
the share whose order the projection turns (inner products, as in the lemma); _nearest_: the rival is the nearest
wrong entity; _random_: any wrong one. Ranks are by cosine after projection. PCA (not centred) is where the trained
projection starts; that one is linear and learns from the train mentions.

_Bound_: P(lost) ≤ 4 exp(−k/2 (ε²/2 − ε³/3)), where ε = ⟨q, d1 − d2⟩ / (|q| |d1 − d2|) > 0 is the normalised margin, and never
more than 1; averaged over the same pairs. So we remember the lemma of Luan et al. (the paper's text was not at hand),
and so it follows: let u = q/|q| and w = (d1 − d2)/|d1 − d2|, hence ⟨u, w⟩ = ε, and A the matrix. The order is lost if
⟨Au, Aw⟩ ≤ 0. ⟨Au, Aw⟩ = (|A(u + w)|² − |A(u − w)|²)/4. For Gaussian entries and for signs, over √k, each square strays by more
than the share ε of itself with probability at most 2 exp(−k/2 (ε²/2 − ε³/3)) (Achlioptas 2003). If neither does, ⟨Au, Aw⟩ is
off by at most ε(|u + w|² + |u − w|²)/4 = ε. Two such events make the 4; only one side of each can do harm, so 2 would
do. It holds for random matrices, not for PCA or a trained one; and a trained one is meant to turn some orders, so
what it loses is no error by itself.

"""
PROJECTED = ["k", "projection", "R@1", "R@10", "R@64", "R@1 against none", "R@1 against PCA"]
PROJECTED += ["lost, nearest", "bound", "lost, random", "bound", "what R@1 says"]


def projections(results):
    made = results.found.get("projections")
    if not made:
        return BOUND + "Did not run.\n" + commands("projections")
    first, *others = made["rows"]
    bounds = {b["kind"]: b for b in made["bounds"]}
    start = [figure(recall(joined(first["ranks"]), k)) for k in (1, 10, 64)]
    rows = [PROJECTED, [first["k"], "none (kept)", *start, "–", "", "0", "", "0", "", "the reference"]]
    pca = {row["k"]: row for row in others if row["label"] == "PCA"}
    rows += [projected(row, first, pca[row["k"]], bounds) for row in others]
    spreads = [
        f"{kind} {', '.join(f'{x:.2f}' for x in b['margin'])} over {b['pairs']:,} pairs"
        for kind, b in bounds.items()
    ]
    margins = f"\nNormalised margins at the 10th, 50th and 90th percentile: {'; '.join(spreads)}.\n"
    kept = f"Random matrices are drawn {others[0]['draws']} times. Kept: 384 dimensions, not projected to fewer.\n"
    return BOUND + table(rows) + margins + kept + commands("projections")


def projected(row, first, axes, bounds):
    """axes: the row of PCA at the same k"""
    ranks, draws = joined(row["ranks"]), row["draws"]
    none, pca = (difference_of(ranks, x, draws) for x in (first, axes))
    cells = [row["k"], row["label"], *(figure(recall(ranks, k)) for k in (1, 10, 64))]
    cells += [signed(*none), "–" if row is axes else signed(*pca)]
    for kind in ("nearest", "random"):
        bound = bounds[kind]["bound"][str(row["k"])] if draws > 1 else None
        cells += [f"{row['lost'][kind]:.3g}", "" if bound is None else f"{bound:.2g}"]
    return [*cells, verdict(*none)]


def difference_of(ranks, row, draws):
    """Of R@1, to a row of one draw; the same mentions once more are no new mentions."""
    difference, error = paired_difference(
        ranks, joined({name: x * draws for name, x in row["ranks"].items()})
    )
    return difference, error * draws**0.5


MARGIN = """## 7. Normalised margin and description length (Luan et al. 2021)

The margin of gold over its nearest rival under v0 (negative where gold is not first), by the characters of gold's
description, of which the encoder sees about the first 200. Worlds differ in both, so the buckets alone mislead:
below them is the rank correlation within each world, its p held against .05 over the number of worlds.

"""


def margin(results):
    made = results.found.get("margin-by-length")
    if not made:
        return MARGIN + "Did not run.\n" + commands("margin-by-length")
    rows = [["characters", "n", "mean margin", "gold is first", "worlds"]]
    for b in made["buckets"]:
        mean = f"{number(b['mean'])} ± {b['error']:.3f}"
        rows.append([span(b["low"], b["high"]), b["n"], mean, figure(b["positive"]), of_groups(b["worlds"])])
    within = [["world", "n", "Spearman's ρ", "p", "what it says"]]
    for name, w in made["within"].items():
        read = "no connection to be seen"
        if w["p"] < 0.05 / len(made["within"]):
            read = "the longer, the smaller" if w["rho"] < 0 else "the longer, the larger"
        within.append([name, w["n"], number(w["rho"], 2), f"{w['p']:.2g}", read])
    kept = "\nKept: one vector an entity, a description cut to what is left of 64 ids.\n"
    return MARGIN + table(rows) + "\n" + table(within) + kept + commands("margin-by-length")


def span(low, high):
    if high == 1:
        return "none"
    return f"{low} to {high - 1}" if high < 10**9 else f"{low} or more"


INT8 = """## 8. An int8 index against f32

v0's vectors, exact search, each row quantised by its own largest value: the quantisation alone is measured here, not
what a graph index loses on top.

"""


def int8(results):
    entries = [
        ("f32", ("int8", "f32"), "stored, for rescoring"),
        ("int8 entities, f32 mentions", ("int8", "int8 entities"), "–"),
        ("int8 entities and mentions", ("int8", "int8 entities and mentions"), "the index"),
        ("the same, best 150 rescored", ("int8", "int8, best 150 rescored in f32"), "kept"),
    ]
    extra = {"overlap of best 100": lambda row: f"{row['overlap']:.4f}".removeprefix("0")}
    return INT8 + recall_table(results, entries, "f32", extra) + commands("int8")


DISTILLED = """## 9. Distilled or not (Menon et al. 2022)

Heads only, frozen trunk, the same mentions. Teacher: v0's int8 cross-encoder fused with the retrieval score, as a
softmax over the {lists} best candidates of each train mention; its KL divergence is added to the loss on labels.

"""
TEACHER = """
The teacher's {lists} lists hold gold {gold} times; there its first is gold in {teacher} ± {error:.3f}, the retriever's in
{retriever}. v0 has trained on the first four worlds, so its lists are better there than on a new world.
"""


def distilled(results):
    entries = [
        ("labels", ("head-compound",), "kept"),
        ("labels and teacher", ("head-distilled",), "not kept"),
    ]
    text = DISTILLED.format(lists=HeadConfig().list_length) + recall_table(results, entries, "labels")
    counts = results.found.get("head-distilled", {}).get("teacher")
    if counts:
        gold = counts["with gold"]
        right = counts["teacher right"] / gold
        numbers = {"lists": counts["lists"], "gold": gold, "error": standard_error(right, gold)}
        retriever = figure(counts["retriever right"] / gold)
        text += TEACHER.format(teacher=figure(right), retriever=retriever, **numbers)
    return text + commands("head-compound", "head-distilled")


LAYERS = """## 10. Three layers or six

The first three layers of the same MiniLM, trained as the six are. Speed: one thread, bf16, texts of this size, by
CPU time, so that other work on the machine counts little.

"""


def layers(results):
    entries = [("6 layers", ("towers-shared",), "kept"), ("3 layers", ("layers-3",), "not kept")]
    extra = {"ids a second": lambda row: f"{row['ids_a_second']:,.0f}"}
    text = LAYERS + recall_table(results, entries, "6 layers", extra)
    six, three = results.row("towers-shared"), results.row("layers-3")
    if six and three:
        text += f"\nThree layers encode {three['ids_a_second'] / six['ids_a_second']:.1f} times as fast.\n"
    return text + commands("towers-shared", "layers-3")


SPARSE = """## 11. Sparse features (Gillick et al. 2019)

Heads only, frozen trunk. In training nothing sparse is known of 30 % of mentions and entities. Types also stand in
the entity's text, so a gain here is over and above that.

"""


def sparse(results):
    entries = [
        ("without", ("head-compound",), "v0"),
        ("with", ("head-sparse", "head-sparse"), "kept, with dropout, after v0"),
        (
            "with; types dropped at test time",
            ("head-sparse", "types dropped at test time"),
            "a KB without types",
        ),
        ("with; all dropped at test time", ("head-sparse", "all dropped at test time"), "–"),
    ]
    return SPARSE + recall_table(results, entries, "without") + commands("head-compound", "head-sparse")


MISSING = """## What did not run

These have no result yet: the page says nothing for or against what was kept there. `--all` runs them and leaves the finished ones alone: """


def missing(results):
    left = [name for name in results.names if name not in results.found]
    if not left:
        return "All experiments of `--all` ran.\n"
    return MISSING + ", ".join(f"`{name}`" for name in left) + ".\n"


SECTIONS = (budget, towers, negatives, heads, several, lexical, projections)
SECTIONS += (margin, int8, distilled, layers, sparse, missing)


def write_page(paths, names, file):
    results = Results(paths, names)
    with open(file, "w") as page:
        page.write(HEAD + "".join(section(results) for section in SECTIONS))
    print(f"{file}: {len(results.found)} of {len(names)} experiments", flush=True)
