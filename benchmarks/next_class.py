"""Which class gains most from more photos, by what can be seen before there are any, on hundreds of small sets.

Run in the project's folder: `OMP_NUM_THREADS=1 .venv/bin/python benchmarks/next_class.py`. It takes about ten minutes
of one core, once the features are there, as for benchmarks/photo_budget.py. It writes benchmarks/next_class.csv and the
table of docs/budget.md.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import page_tables
import pandas as pd
import photo_budget
from huskies import atomic
from huskies.statistics import more_photos, power_law
from huskies.statistics.learning_curve import Curve
from photo_budget import PAGE, PROJECT, part
from small_sets import SmallSet, Source

RESULT = PROJECT / "benchmarks/next_class.csv"
BEGIN, END = "<!-- The table, by benchmarks/next_class.py. -->", "<!-- The end of the table. -->"
NAMES = ("digits", "flowers", "products", "Gaussian")
THINGS, SETS = (20, 40), 200


def recalls(curve: Curve, labels: np.ndarray) -> np.ndarray:
    """Return the recall of each class at each point, float, points × classes."""
    right = curve.right.mean(axis=1)
    return np.stack([right[:, labels == label].mean(axis=1) for label in range(labels.max() + 1)], axis=1)


def foretold(curve: Curve, labels: np.ndarray) -> np.ndarray:
    """Return what the power law through each class's recalls says that as many photos again bring."""
    errors = 1 - recalls(curve, labels).T
    before, after = power_law.predict(errors, curve.photos, np.array([curve.now, 2 * curve.now])).T
    return before - after


NAMED = "the one that `budget` names"
# By the name of each way to choose a class, what is highest for the one that it chooses.
WAYS: dict[str, Callable[[Curve, np.ndarray], np.ndarray]] = {
    "lowest recall": lambda curve, labels: -recalls(curve, labels)[-1],
    "most gained from half of the photos to all": lambda curve, labels: np.diff(recalls(curve, labels)[[1, 3]], axis=0)[
        0
    ],
    "most foretold by a power law of its own": foretold,
}


def gains(whole: SmallSet, things: int) -> np.ndarray:
    """Return by how much all classes' mean recall grows, where one class gets as many photos again, heads × classes."""
    first = whole.groups % (2 * things) < things
    classes = np.unique(whole.labels)

    def mean_recall(photos: np.ndarray) -> np.ndarray:
        right = photo_budget.ridge(whole, np.flatnonzero(photos), whole.fresh, whole.fresh_labels)
        return np.mean([right[:, whole.fresh_labels == label].mean(axis=1) for label in classes], axis=0)

    before = mean_recall(first)
    return np.stack([mean_recall(first | (whole.labels == label)) - before for label in classes], axis=1)


def measure(source: Source, things: int, sets: int) -> pd.DataFrame:
    """Return a line for each way and head: what the chosen class brings, and any class, in points, in the mean."""
    lines = []
    for number in range(sets):
        random = np.random.default_rng([number, things])
        whole = source.draw(random, 2 * things)
        half = part(whole, things, 2 * things)
        brought = 100 * gains(whole, things)
        curves = photo_budget.curves(half, things, number, random, photo_budget.ridge)
        for head, curve, of_head in zip(photo_budget.HEADS, curves, brought, strict=True):
            chosen = {name: int(way(curve, half.labels).argmax()) for name, way in WAYS.items()}
            named = more_photos.next_class(curve.right[-1], half.labels.astype(str), half.groups)
            chosen |= {} if named["why_not"] else {NAMED: int(named["label"])}
            lines += [
                {"head": head, "way": way, "chosen": of_head[label], "any": of_head.mean(), "best": of_head.max()}
                for way, label in chosen.items()
            ]
    found = pd.DataFrame(lines).groupby(["head", "way"], sort=False)
    return found.mean().round(3).assign(said=(100 * found.size() / sets).round(1), sets=sets).reset_index()


def table(found: pd.DataFrame) -> str:
    """Return the Markdown table of all rows together."""
    lines = [
        "| the class with | a class is named | it brings | any class | the best, which nobody knows |",
        "|---|---|---|---|---|",
    ]
    for way, rows in found.groupby("way", sort=False):
        mean = rows[["said", "chosen", "any", "best"]].mean()
        lines.append(
            f"| {way} | {mean['said']:.0f} % | {mean['chosen']:+.2f} | {mean['any']:+.2f} | {mean['best']:+.2f} |"
        )
    return "\n".join(lines)


def put(found: pd.DataFrame, page: str) -> str:
    """Return the page with the table in the place of the one it has."""
    return page_tables.put(page, BEGIN, END, table(found))


def main() -> None:
    """Measure, and write the CSV and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=SETS, help="small sets for each row")
    pools = Path(tempfile.gettempdir(), "pools")
    parser.add_argument("--pools", type=Path, default=pools, help="where features are kept")
    arguments = parser.parse_args()
    rows = [
        measure(photo_budget.SOURCES[name](arguments.pools), things, arguments.sets).assign(source=name, photos=things)
        for name in NAMES
        for things in THINGS
    ]
    found = pd.concat(rows, ignore_index=True)
    atomic.write(RESULT, found.to_csv(index=False, lineterminator="\n").encode())
    atomic.write(PAGE, put(found, PAGE.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    main()
