"""Tables for docs/experiments.md: recalls, and differences read by their standard error over the same mentions.

Within two of its standard errors a difference says nothing."""

import json
import os

import numpy as np

from small import paired_difference, recall

CUTS = (1, 10, 64)


class Results:
    """Finished experiments by name."""

    def __init__(self, paths, names):
        self.found, self.names = {}, names
        for name in names:
            path = paths.of("experiments", f"{name}.json")
            if os.path.exists(path):
                with open(path) as file:
                    self.found[name] = json.load(file)

    def row(self, name, label=None):
        """The row of that label, the first one without a label; nothing where it did not run."""
        rows = self.found.get(name, {}).get("rows", [])
        return next((r for r in rows if label in (None, r["label"])), None)


def joined(ranks):
    """Ranks by world -> one array, worlds in one order."""
    return np.concatenate([np.array(ranks[name]) for name in sorted(ranks)])


def figure(share):
    return f"{share:.3f}".removeprefix("0")


def number(value, places=3):
    return f"{value:+.{places}f}".replace("-", "−")


def signed(difference, error):
    """A difference and its standard error; bold where it is more than two of them."""
    text = f"{number(difference)} ± {error:.3f}".replace("0.", ".")
    return f"**{text}**" if abs(difference) > 2 * error else text


def verdict(difference, error):
    if abs(difference) <= 2 * error:
        return "the same within the noise"
    return "better" if difference > 0 else "worse"


def says(ranks, reference):
    """What the three recalls say against the reference, in words."""
    verdicts = {k: verdict(*paired_difference(ranks, reference, k)) for k in CUTS}
    if len(set(verdicts.values())) == 1:
        return f"{verdicts[1]} at 1, 10 and 64"
    return ", ".join(f"R@{k} {verdict}" for k, verdict in verdicts.items())


def table(rows):
    """[header, row, ...] -> Markdown"""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]) + "\n"


def recall_table(results, entries, reference, extra=None):
    """One row an entry: recalls, differences to the reference on the same mentions, what it says, what was kept.

    entries: (title, (experiment, label), what was kept of it); reference: an entry's title; extra columns: header
    -> what makes the cell of a row."""
    extra = extra or {}
    differences = ["R@1 against it", "R@64 against it"]
    lines = [["", *(f"R@{k}" for k in CUTS), *extra, *differences, "what it says", "kept"]]
    rows = {title: results.row(*source) for title, source, _ in entries}
    base = joined(rows[reference]["ranks"]) if rows[reference] else None
    for title, _, kept in entries:
        row = rows[title]
        if row is None:
            lines.append([title, "did not run", *[""] * (len(lines[0]) - 3), kept])
            continue
        ranks = joined(row["ranks"])
        cells = [*(figure(recall(ranks, k)) for k in CUTS), *(make(row) for make in extra.values())]
        against = ["", "", ""]
        if title == reference:
            against = ["–", "–", "the reference"]
        elif base is not None:
            against = [signed(*paired_difference(ranks, base, k)) for k in (1, 64)] + [says(ranks, base)]
        lines.append([title, *cells, *against, kept])
    return table(lines)


def by_group(ranks, group):
    """Ranks of the worlds of one group."""
    return joined({name: x for name, x in ranks.items() if name.split("-")[0] == group})


def of_groups(counts):
    groups = {}
    for name, n in counts.items():
        groups[name.split("-")[0]] = groups.get(name.split("-")[0], 0) + n
    return ", ".join(f"{name} {n}" for name, n in groups.items())
