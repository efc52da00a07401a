"""Experiments on finished vectors, v0's: nothing of the trunk is trained. Cut KBs of 12,000 entities and more.

Legend: E entities, M mentions, D = 384, k dimensions after projection

References
    several vectors an entity, hybrids, random projection, normalised margin: Luan et al. 2021,
        https://arxiv.org/abs/2005.00181
    random projection with signs: Achlioptas 2003, Database-friendly random projections
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr

from lexical import Bm25, Names, query_of
from retriever import ALIAS_HITS, LEXICAL_HITS
from small import WORLDS, full_world, ranks_of
from states import v0_vectors

BONUS = {"alias": 0.05, "bm25": 0.10, "offset": 3}  # v0's calibration.json
DIMENSIONS = (32, 64, 128, 192, 256, 384)


# ---- 5: dense, BM25, alias table, hybrid ----


def lexical(paths):
    rows = {
        label: {} for label in ("dense", "BM25", "alias table", "dense + alias", "dense + BM25", "hybrid")
    }
    for name in WORLDS:
        world, _, picked = full_world(paths, name)
        names, bm25, found = Names(world.entities), Bm25(world.entities), v0_vectors(paths, name)
        for label in rows:
            rows[label][name] = []
        for mention, query, gold in zip(picked[found.rows["dev"]], found.queries["dev"], found.gold["dev"]):
            for label, scores in orders(world, names, bm25, mention, found.entities @ query).items():
                rows[label][name].append(
                    int((scores > scores[gold] + 1e-6).sum()) if scores[gold] else len(scores)
                )
    return {"rows": [{"label": label, "ranks": ranks} for label, ranks in rows.items()]}


def orders(world, names, bm25, mention, cosine):
    """Scores [E] of each way to retrieve; 0 where it does not find the entity."""
    d, _, _, _, _, start, end = world.mentions[mention].tolist()
    text, E = world.texts[d], len(cosine)
    exact = names.exact(text[start:end])[:ALIAS_HITS]
    hits = bm25.best(query_of(text, start, end), 100)
    table, ranking, alias, words = (np.zeros(E, np.float32) for _ in range(4))
    table[exact] = len(exact) - np.arange(len(exact))  # in the KB's order: the table has no prior
    ranking[hits] = len(hits) - np.arange(len(hits))
    alias[exact] = BONUS["alias"]
    words[hits[:LEXICAL_HITS]] = BONUS["bm25"] / (np.arange(min(len(hits), LEXICAL_HITS)) + BONUS["offset"])
    dense = {"dense": cosine, "dense + alias": cosine + alias, "dense + BM25": cosine + words}
    return dense | {"BM25": ranking, "alias table": table, "hybrid": cosine + alias + words}


# ---- 6: projections ----


@dataclass
class ProjectionConfig:
    seed: int = 17
    entities: int = 4000  # of a KB: gold ones, v0's best candidates, random ones
    candidates: int = 4  # of a mention that stay
    draws: int = 2  # of a random matrix
    random_rivals: int = 100  # of a mention, for the pairwise error
    # the trained projection
    steps: int = 90
    mentions: int = 96  # a step, of one world
    others: int = 768  # random entities beside gold and its best rivals
    rivals: int = 4
    rate: float = 2e-3
    scale: float = 37.3  # v0's softmax scale


def cut(found, config):
    """The same with fewer entities."""
    kept = set()
    for split, gold in found.gold.items():
        kept.update(gold.tolist(), found.candidates[split][:, : config.candidates].ravel().tolist())
    order = np.random.default_rng(config.seed).permutation(len(found.entities))
    others = [row for row in order.tolist() if row not in kept]
    rows = np.array(sorted(kept | set(others[: max(0, config.entities - len(kept))])))
    place = np.full(len(found.entities), -1)
    place[rows] = np.arange(len(rows))
    gold = {split: place[x] for split, x in found.gold.items()}
    candidates = {split: place[x[:, : config.candidates]] for split, x in found.candidates.items()}
    return replace(found, entities=found.entities[rows], gold=gold, candidates=candidates)


def margins(query, gold, rivals):
    """Normalised margin <q, d1 - d2> / (|q| |d1 - d2|) of unit q [D], d1 [D] over each d2 [n, D] -> [n]"""
    difference = gold - rivals
    return difference @ query / np.maximum(np.linalg.norm(difference, axis=1), 1e-9)


def error_bound(margin, k):
    """P(order of d1, d2 is lost) <= 4 exp(-k/2 (e^2/2 - e^3/3)), e the normalised margin > 0.

    Let u = q/|q|, w = (d1 - d2)/|d1 - d2|, so <u, w> = e, and A the k x D matrix. The order is lost if
    <Au, Aw> <= 0. <Au, Aw> = (|A(u + w)|^2 - |A(u - w)|^2) / 4. Each square is within e of its own size
    but for a probability of 2 exp(-k/2 (e^2/2 - e^3/3)) (Achlioptas 2003: Gaussian and signs alike); if both
    are, <Au, Aw> is within e (|u + w|^2 + |u - w|^2) / 4 = e of <u, w>. The union of both gives the 4."""
    return np.minimum(1, 4 * np.exp(-k / 2 * (margin**2 / 2 - margin**3 / 3)))


def random_matrix(kind, k, D, rng):
    matrix = rng.standard_normal((D, k)) if kind == "Gaussian" else rng.choice([-1.0, 1.0], (D, k))
    return (matrix / k**0.5).astype(np.float32)


def principal_axes(worlds, k):
    """PCA, not centred, of all worlds' entities: where the trained projection starts."""
    covariance = sum(x.entities.T @ x.entities / len(x.entities) for x in worlds.values())  # [D, D]
    return np.linalg.eigh(covariance)[1][:, ::-1][:, :k].astype(np.float32).copy()


def trained_projection(worlds, k, config):
    """[D, k], trained on the train mentions with a softmax over gold, its best rivals and random entities."""
    rng = np.random.default_rng(config.seed)
    matrix = torch.from_numpy(principal_axes(worlds, k)).requires_grad_()
    optimiser = torch.optim.Adam([matrix], lr=config.rate)
    names = list(worlds)
    for step in range(config.steps):
        found = worlds[names[step % len(names)]]
        count = len(found.gold["train"])
        at = rng.choice(count, min(config.mentions, count), replace=False)
        gold = found.gold["train"][at]
        rivals = found.candidates["train"][at, : config.rivals].ravel()
        others = rng.choice(len(found.entities), min(config.others, len(found.entities)), replace=False)
        rows = np.unique(np.concatenate([gold, rivals, others]))
        project = lambda x: F.normalize(torch.from_numpy(x) @ matrix, dim=-1)
        logits = project(found.queries["train"][at]) @ project(found.entities[rows]).T * config.scale
        loss = F.cross_entropy(logits, torch.from_numpy(np.searchsorted(rows, gold)))
        optimiser.param_groups[0]["lr"] = config.rate * (1 - step / config.steps)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return matrix.detach().numpy()


def pairs_of(found, config):
    """Pairs that the full vectors order rightly: (mention, gold, rival) with the margin of each, two kinds."""
    rng = np.random.default_rng(config.seed)
    out = {"nearest": [], "random": []}
    for m, (query, gold) in enumerate(zip(found.queries["dev"], found.gold["dev"])):
        cosine = found.entities @ query
        cosine_of_gold, cosine[gold] = cosine[gold], -9
        for kind, rivals in (
            ("nearest", [int(cosine.argmax())]),
            ("random", rng.integers(0, len(cosine), config.random_rivals)),
        ):
            rivals = np.array([r for r in rivals if r != gold and cosine[r] < cosine_of_gold - 1e-6], int)
            margin = margins(query, found.entities[gold], found.entities[rivals])
            out[kind].append(np.stack([np.full(len(rivals), m), rivals, margin], 1))
    return {kind: np.concatenate(parts) for kind, parts in out.items()}


def lost(queries, entities, gold, pairs):
    """Which pairs [n] change their order after projection; inner products, as in the lemma."""
    mention, rival = pairs[:, 0].astype(int), pairs[:, 1].astype(int)
    gold = entities[gold[mention]]
    return ((gold - entities[rival]) * queries[mention]).sum(1) <= 0


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def projected_row(label, k, worlds, pairs, matrices):
    """Ranks by cosine after projection and share of lost pairs, over all matrices (draws)."""
    ranks = {name: [] for name in worlds}
    errors = {"nearest": [], "random": []}
    for matrix in matrices:
        for name, found in worlds.items():
            queries, entities, gold = (
                found.queries["dev"] @ matrix,
                found.entities @ matrix,
                found.gold["dev"],
            )
            ranks[name] += ranks_of(unit(queries), unit(entities), gold).tolist()
            for kind in errors:
                errors[kind].append(lost(queries, entities, gold, pairs[name][kind]))
    errors = {kind: float(np.concatenate(parts).mean()) for kind, parts in errors.items()}
    return {"label": label, "k": k, "ranks": ranks, "draws": len(matrices), "lost": errors}


def projections(paths):
    config = ProjectionConfig()
    worlds = {name: cut(v0_vectors(paths, name), config) for name in WORLDS}
    pairs = {name: pairs_of(found, config) for name, found in worlds.items()}
    rng = np.random.default_rng(config.seed)
    rows = [projected_row("no projection", 384, worlds, pairs, [np.eye(384, dtype=np.float32)])]
    for k in DIMENSIONS:
        for kind in ("Gaussian", "Rademacher"):
            matrices = [random_matrix(kind, k, 384, rng) for _ in range(config.draws)]
            rows.append(projected_row(kind, k, worlds, pairs, matrices))
        rows.append(projected_row("PCA", k, worlds, pairs, [principal_axes(worlds, k)]))
        rows.append(projected_row("trained", k, worlds, pairs, [trained_projection(worlds, k, config)]))
    bounds = []
    for kind in ("nearest", "random"):
        margin = np.concatenate([x[kind][:, 2] for x in pairs.values()])
        by_k = {str(k): float(error_bound(margin, k).mean()) for k in DIMENSIONS}
        spread = np.percentile(margin, [10, 50, 90]).tolist()
        bounds.append({"kind": kind, "pairs": len(margin), "margin": spread, "bound": by_k})
    return {"rows": rows, "bounds": bounds}


# ---- 7: normalised margin and length ----

LENGTHS = (0, 1, 80, 160, 320, 640, 10**9)  # characters of a description


def margin_by_length(paths):
    columns, within = [], {}
    for at, name in enumerate(WORLDS):
        world, _, _ = full_world(paths, name)
        found = v0_vectors(paths, name)
        gold = found.gold["dev"]
        lengths = np.array([len(world.entities[row]["description"]) for row in gold])
        margin = np.array([best_margin(found, m) for m in range(len(gold))])
        columns.append(np.stack([np.full(len(gold), at), lengths, margin], 1))
        if len(set(lengths)) > 1:
            rho = spearmanr(lengths, margin)
            within[name] = {"rho": float(rho.statistic), "p": float(rho.pvalue), "n": len(gold)}
    table, buckets = np.concatenate(columns), []
    for low, high in zip(LENGTHS, LENGTHS[1:]):
        rows = table[(table[:, 1] >= low) & (table[:, 1] < high)]
        if len(rows):
            counts = {WORLDS[w]: int((rows[:, 0] == w).sum()) for w in np.unique(rows[:, 0]).astype(int)}
            margin = rows[:, 2]
            bucket = {"low": low, "high": high, "n": len(rows), "worlds": counts}
            bucket |= {"mean": float(margin.mean()), "error": float(margin.std() / len(margin) ** 0.5)}
            buckets.append(bucket | {"positive": float((margin > 0).mean())})
    return {"buckets": buckets, "within": within}


def best_margin(found, m):
    """Normalised margin of gold over its nearest rival; negative where gold is not first."""
    query, gold = found.queries["dev"][m], found.gold["dev"][m]
    cosine = found.entities @ query
    cosine[gold] = -9
    return float(margins(query, found.entities[gold], found.entities[[cosine.argmax()]])[0])


# ---- 8: int8 ----


def quantised(x):
    """Rows of unit vectors as whole numbers of one scale a row, and back: what an i8 index compares."""
    scale = 127 / np.abs(x).max(1, keepdims=True)
    return np.round(x * scale) / scale


def int8_index(paths):
    labels = ("f32", "int8 entities", "int8 entities and mentions", "int8, best 150 rescored in f32")
    rows = {label: {"label": label, "ranks": {}, "overlap": []} for label in labels}
    for name in WORLDS:
        found = v0_vectors(paths, name)
        queries, entities = found.queries["dev"], found.entities
        small, small_queries = quantised(entities), quantised(queries)
        exact = queries @ entities.T  # [M, E]
        both = small_queries @ small.T
        rescored = both - 9  # what is not among the best 150 stays behind
        best = np.argsort(-both, 1)[:, :150]
        np.put_along_axis(rescored, best, np.take_along_axis(exact, best, 1), 1)
        gold = found.gold["dev"]
        for label, scores in zip(labels, (exact, queries @ small.T, both, rescored)):
            of_gold = scores[np.arange(len(gold)), gold][:, None]
            rows[label]["ranks"][name] = (scores > of_gold + 1e-6).sum(1).tolist()
            rows[label]["overlap"] += overlaps(exact, scores).tolist()
    for row in rows.values():
        row["overlap"] = float(np.mean(row["overlap"]))
    return {"rows": list(rows.values())}


def overlaps(exact, scores, most=100):
    """Share of the exact best 100 among the best 100 [M]"""
    best = [np.argpartition(-x, min(most, x.shape[1] - 1), 1)[:, :most] for x in (exact, scores)]
    return np.array([len(np.intersect1d(a, b)) / len(a) for a, b in zip(*best)])
