"""How often intervals of the gain hold the truth, and how wide they are, on thousands of small sets.

Run in the project's folder: `OMP_NUM_THREADS=1 .venv/bin/python benchmarks/cross_validation.py`. It takes about 15
minutes of one core, once the features are there. `HUSKIES_SHARED` has data/flowers and data/products, and `KERAS_HOME`
the weights of MobileNetV2; they are read where the folder of `--pools` does not have the features yet. Each row is in
benchmarks/cross_validation.csv as soon as it is measured; `--report` writes the tables of docs/cross_validation.md from
what is there.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import feature_pools
import gain_methods
import numpy as np
import page_tables
import pandas as pd
import ridge_folds
from gain_methods import FOLDS, METHODS, REPEATS, SPLITS, Asked
from huskies import atomic
from small_sets import Finite, Gaussian, Random, Resampled, SmallSet, Source

PROJECT = Path(__file__).resolve().parents[1]
RESULT, PAGE = PROJECT / "benchmarks/cross_validation.csv", PROJECT / "docs/cross_validation.md"
BEGIN, END = "<!-- The tables, by benchmarks/cross_validation.py. -->", "<!-- The end of the tables. -->"
COLUMNS = ["source", "photos", "sets", "accuracy", "truth", "method", "coverage", "width", "excludes"]
THINGS = (5, 10, 20, 40)
SETS = 1000
# The pool whose copies teach nothing.
USELESS = "Gaussian, useless copies"
# Repeats that are asked without two folds as well.
NESTED = 2
# Of the row's truth: gains below this are not asked to be told from none, in points.
TELLING = 0.5

SOURCES: dict[str, Callable[[Path], Source]] = {
    "digits": lambda folder: Finite(feature_pools.pool("digits", folder)),
    "flowers": lambda folder: Resampled(feature_pools.pool("flowers", folder)),
    "products": lambda folder: Resampled(feature_pools.pool("products", folder)),
    "Gaussian": lambda _: Gaussian(0.6, 0.5),
    USELESS: lambda _: Gaussian(0.9, 0.5, dimensions=6),
    "flowers, some twice": lambda folder: Resampled(feature_pools.pool("flowers", folder), twice=True),
    "Gaussian, some twice": lambda _: Gaussian(0.6, 0.5, twice=True),
}


def ask(drawn: SmallSet, random: Random) -> tuple[Asked, np.ndarray]:
    """Return what heads say of a set, and the accuracy of those of its first repeat on fresh photos: without, with."""
    whole = ridge_folds.sums(drawn, np.arange(len(drawn.labels)))
    right, folds, splits, nested = [], [], [], []
    for number in range(SPLITS):
        fold_of = ridge_folds.assign(random, drawn.labels, drawn.groups, FOLDS)
        held_out = range(FOLDS if number < max(REPEATS) else 1)
        parts = [ridge_folds.sums(drawn, np.flatnonzero(fold_of == fold)) for fold in held_out]
        answers, weights = ridge_folds.out_of_fold(drawn, whole, parts, fold_of)
        before, after = answers[:, fold_of == 0].astype(float)
        splits.append((after - before).mean())
        if number < max(REPEATS):
            right.append(answers)
            folds.append(fold_of)
        if number < NESTED:
            nested.append(ridge_folds.without_two_folds(drawn, whole, parts, fold_of))
        if number == 0:
            fresh = [ridge_folds.right(each, drawn.fresh, drawn.fresh_labels).mean(axis=1) for each in weights]
    asked = Asked(np.stack(right, axis=1), np.stack(folds), drawn.groups, np.array(splits), np.stack(nested))
    return asked, np.mean(fresh, axis=0)


def measure(source: Source, things: int, sets: int) -> pd.DataFrame:
    """Return the lines of a row of the table, one for each method; the truth is the mean gain on fresh photos."""
    intervals, accuracies = [], []
    for number in range(sets):
        random = np.random.default_rng([number, things])
        asked, fresh = ask(source.draw(random, things), random)
        intervals.append([method(asked) for method in METHODS.values()])
        accuracies.append(fresh)
    accuracy = np.mean(accuracies, axis=0)
    lines = summarise(np.array(intervals), float(accuracy[1] - accuracy[0]))
    return lines.assign(photos=things, sets=sets, accuracy=np.round(100 * accuracy[0], 2))


def summarise(intervals: np.ndarray, truth: float) -> pd.DataFrame:
    """Return how the intervals of each method fare: sets × methods × (gain, low, high), NaN for an end nobody knows.

    Columns: method, truth in points, coverage in percent, width in points, excludes (0) in percent. An end that nobody
    knows excludes nothing and has no width.
    """
    low, high = intervals[..., 1], intervals[..., 2]
    return pd.DataFrame(
        {
            "method": list(METHODS),
            "truth": round(100 * truth, 2),
            "coverage": np.round(100 * (1 - ((low > truth) | (high < truth)).mean(axis=0)), 1),
            "width": np.round(100 * np.nanmean(high - low, axis=0), 2),
            "excludes": np.round(100 * ((low > 0) | (high < 0)).mean(axis=0), 1),
        }
    )


def by_method(table: pd.DataFrame) -> str:
    """Return a Markdown table of all methods over all rows."""
    lines = [
        "| method | coverage, mean | lowest | highest | width, mean | tells a gain | tells one where there is none |",
        "|---|---|---|---|---|---|---|",
    ]
    useless = table["source"] == USELESS
    telling = ~useless & (table["truth"].abs() >= TELLING)
    for method, rows in table.groupby("method", sort=False):
        coverage = rows["coverage"]
        told, wrongly = (rows.loc[each, "excludes"].mean() for each in (telling, useless))
        lines.append(
            f"| {method} | {coverage.mean():.1f} % | {coverage.min():.1f} % | {coverage.max():.1f} % | "
            f"{rows['width'].mean():.1f} | {told:.1f} % | {wrongly:.1f} % |"
        )
    return "\n".join(lines)


def by_row(table: pd.DataFrame) -> str:
    """Return a Markdown table of each source and size: coverage and width of one split, many, and the chosen method."""
    methods = {"one split": gain_methods.SINGLE, "20 splits": gain_methods.MANY}
    methods |= {f"repeats {repeats}": name for repeats, name in gain_methods.CHOSEN.items()}
    lines = [f"| photos | a class | without copies | true gain | {' | '.join(methods)} |", "|---" * 9 + "|"]
    for (source, photos), rows in table.groupby(["source", "photos"], sort=False):
        found = rows.set_index("method")
        first = found.iloc[0]
        cells = [f"{found['coverage'][name]:.1f} %, {found['width'][name]:.1f}" for name in methods.values()]
        lines.append(
            f"| {source} | {photos} | {first['accuracy']:.1f} % | {first['truth']:+.2f} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def put(table: pd.DataFrame, page: str) -> str:
    """Return the page with the tables of the CSV's lines in the place of those it has."""
    sets = f"{table['sets'].min():,}".replace(",", " ")
    rows = f"Row by row, {sets} sets each: coverage, and width in points."
    return page_tables.put(page, BEGIN, END, f"{by_method(table)}\n\n{rows}\n\n{by_row(table)}")


def add(name: str, lines: pd.DataFrame) -> None:
    """Put the lines of a row into the CSV, in place of those it has."""
    fresh = lines.assign(source=name)[COLUMNS]
    known = pd.read_csv(RESULT) if RESULT.exists() else fresh.iloc[:0]
    kept = known[(known["source"] != name) | (known["photos"] != fresh["photos"].iloc[0])]
    table = pd.concat([kept, fresh]) if len(kept) else fresh
    order = table["source"].map(list(SOURCES).index)
    table = table.assign(order=order).sort_values(["order", "photos"], kind="stable").drop(columns="order")
    atomic.write(RESULT, table.to_csv(index=False, lineterminator="\n").encode())


def main() -> None:
    """Measure the rows that are asked for, or write the page of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=SETS, help="small sets for each row")
    parser.add_argument("--only", nargs="+", choices=SOURCES, default=SOURCES, metavar="SOURCE", help="rows by source")
    parser.add_argument(
        "--pools", type=Path, default=Path(tempfile.gettempdir(), "pools"), help="where features are kept"
    )
    parser.add_argument("--report", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    for things in () if arguments.report else THINGS:
        for name in arguments.only:
            lines = measure(SOURCES[name](arguments.pools), things, arguments.sets)
            add(name, lines)
            print(name, things, lines.to_string(), sep="\n", file=sys.stderr, flush=True)
    page = put(pd.read_csv(RESULT), PAGE.read_text(encoding="utf-8"))
    atomic.write(PAGE, page.encode())


if __name__ == "__main__":
    main()
