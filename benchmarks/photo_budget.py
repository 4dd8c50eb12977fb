"""How often what is said of more photos holds, on thousands of small sets to which the photos are then added.

Run in the project's folder: `OMP_NUM_THREADS=1 .venv/bin/python benchmarks/photo_budget.py`. It takes about half an
hour of one core, once the features are there; benchmarks/cross_validation.py says where they come from. Each row is in
benchmarks/photo_budget.csv as soon as it is measured. `--head` measures the row of the project's own head, on the
digits, in about as long. `--report` writes the tables of docs/budget.md from what is there.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import feature_pools
import numpy as np
import page_tables
import pandas as pd
import ridge_folds
from huskies import atomic
from huskies.images import subsets
from huskies.planning import params
from huskies.statistics import learning_curve
from huskies.statistics.learning_curve import Curve, Interval
from huskies.training import fit
from small_sets import Finite, Gaussian, Random, Resampled, SmallSet, Source

PROJECT = Path(__file__).resolve().parents[1]
RESULT, PAGE = PROJECT / "benchmarks/photo_budget.csv", PROJECT / "docs/budget.md"
BEGIN, END = "<!-- The tables, by benchmarks/photo_budget.py. -->", "<!-- The end of the tables. -->"
BETWEEN = "\n\n"
COLUMNS = [
    *("source", "photos", "sets", "head", "more", "method", "accuracy", "truth", "foretold", "coverage", "below"),
    *("above", "width", "tells", "refused"),
]
THINGS = (10, 20, 40)
# Parts of the photos that there are, added to them.
MORE = (0.5, 1.0)
SETS = 400
SHARES, FOLDS, REPEATS = (0.25, 0.5, 0.75, 1.0), 5, 2
# The project's own head takes so much longer that it is asked of fewer sets.
OWN, OWN_SETS, OWN_THINGS = "digits, own head", 60, (20,)
FIXED = {"l2": 0.01, "scaling": "standardise", "shrinkage": 0.1}

SOURCES: dict[str, Callable[[Path], Source]] = {
    "digits": lambda folder: Finite(feature_pools.pool("digits", folder)),
    "flowers": lambda folder: Resampled(feature_pools.pool("flowers", folder)),
    "products": lambda folder: Resampled(feature_pools.pool("products", folder)),
    "Gaussian": lambda _: Gaussian(0.6, 0.5),
    "Gaussian, hard": lambda _: Gaussian(0.9, 0.5, dimensions=6),
    "flowers, some twice": lambda folder: Resampled(feature_pools.pool("flowers", folder), twice=True),
    # Not looked at before the method and its numbers were chosen.
    "letters": lambda folder: Resampled(feature_pools.pool("letters", folder)),
    "hands": lambda folder: Resampled(feature_pools.pool("hands", folder)),
}
UNSEEN = ("letters", "hands")

# The penalty of ridge regression, such that its curves have no dip where there are about as many photos as features.
PENALTY = 0.2
# What heads say of rows, without and with copies, bool 2 × rows: of a set, the numbers of the photos that are trained
# on, the rows and their labels.
Learn = Callable[[SmallSet, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Whole(Finite):
    """The photos of a pool with all their features as they are, for the project's own head."""

    def __init__(self, pool: feature_pools.Pool):
        """Keep the pool."""
        self.pool = pool


def part(drawn: SmallSet, things: int, most: int) -> SmallSet:
    """Return the first so many things of each class of a set of `most`, with all their shots."""
    chosen = np.flatnonzero(drawn.groups % most < things)
    groups = np.unique(drawn.groups[chosen], return_inverse=True)[1]
    kept = drawn.labels[chosen], groups, drawn.originals[chosen], drawn.copied[chosen]
    return SmallSet(*kept, drawn.fresh, drawn.fresh_labels)


def balanced(drawn: SmallSet, photos: np.ndarray) -> ridge_folds.Sums:
    """Return what ridge_folds.sums does, where all classes weigh the same, as in the project's own training."""
    originals, copied, labels = drawn.originals[photos], drawn.copied[photos], drawn.labels[photos]
    of_class = np.bincount(labels)
    weights = len(labels) / (len(of_class) * of_class[labels])
    indicators = np.eye(len(of_class))[labels] * weights[:, None]
    flat = copied.reshape(-1, originals.shape[1])
    products, targets = (originals * weights[:, None]).T @ originals, originals.T @ indicators
    of_copies = (flat * np.repeat(weights, copied.shape[1])[:, None]).T @ flat
    return np.stack([products, products + of_copies]), np.stack([targets, targets + copied.sum(axis=1).T @ indicators])


def ridge(drawn: SmallSet, photos: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Ask ridge regression: fitted in a moment."""
    return ridge_folds.right(ridge_folds.heads(balanced(drawn, photos), PENALTY), rows, labels)


def own_head(drawn: SmallSet, photos: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Ask the project's own head, trained as params.yaml says, but for what is `auto` there or takes the longest."""
    parameters, classes = params.load(PROJECT / "params.yaml")["train"] | FIXED, int(drawn.labels.max()) + 1
    originals, copied = (each[photos].astype(np.float32) for each in (drawn.originals, drawn.copied))
    with_copies = np.concatenate([originals, copied.reshape(-1, originals.shape[1])])
    targets = np.concatenate([drawn.labels[photos], np.repeat(drawn.labels[photos], copied.shape[1])])
    found = []
    for features in (originals, with_copies):
        model, advance = fit.begin((features, targets[: len(features)]), classes, parameters)
        advance(0, parameters["steps"])
        found.append(model.predict(rows.astype(np.float32)).argmax(axis=1) == labels)
    return np.stack(found)


def curves(drawn: SmallSet, now: float, number: int, random: Random, learn: Learn) -> list[Curve]:
    """Return the learning curves without and with copies, as the stage budget makes them; now: photos a class."""
    rows = pd.DataFrame({"label": drawn.labels, "group": drawn.groups.astype(str)})
    right = np.empty((2, len(SHARES), REPEATS, len(rows)), bool)
    photos = np.zeros(len(SHARES))
    for repeat in range(REPEATS):
        fold_of = ridge_folds.assign(random, drawn.labels, drawn.groups, FOLDS)
        kept = subsets.nested(rows, fold_of, SHARES, repeat, number)
        photos += kept.sum(axis=(1, 2)) / (REPEATS * FOLDS * (drawn.labels.max() + 1))
        for share, fold in np.ndindex(kept.shape[:2]):
            asked = np.flatnonzero(fold_of == fold)
            trained = np.flatnonzero(kept[share, fold])
            right[:, share, repeat, asked] = learn(drawn, trained, drawn.originals[asked], drawn.labels[asked])
    return [Curve(each, photos, drawn.groups, now) for each in right]


def by_bootstrap(curve: Curve, more: float) -> Interval:
    """Foretell by the power law, and by nothing but groups drawn anew."""
    before, after = learning_curve.errors(curve, [curve.now, curve.now + more]).T
    gain, *drawn = before - after
    return gain, *np.quantile(drawn, (0.025, 0.975))


def straight(curve: Curve, more: float) -> Interval:
    """Foretell by a straight line in the logarithm of the photos, its slope with the interval of its bootstrap."""
    accuracies = np.concatenate([learning_curve.means(curve), learning_curve.drawn(curve)])
    apart = np.log(curve.photos) - np.log(curve.photos).mean()
    gain, *drawn = accuracies @ apart / (apart @ apart) * np.log1p(more / curve.now)
    return gain, *np.quantile(drawn, (0.025, 0.975))


def last_again(curve: Curve, more: float) -> Interval:
    """Foretell that the photos bring, for each doubling, what the last doubling of the curve brought."""
    times = np.log2(1 + more / curve.now) / np.log2(curve.photos[-1] / curve.photos[1])
    return tuple(times * each for each in curve.rise(1))


CHOSEN = "`budget`"
METHODS: dict[str, Callable[[Curve, float], Interval]] = {
    "the last doubling once more": last_again,
    "straight in the logarithm": straight,
    "power law, bootstrap alone": by_bootstrap,
    CHOSEN: learning_curve.forecast,
}


def measure(source: Source, things: int, sets: int, learn: Learn = ridge) -> pd.DataFrame:
    """Return the lines of a row of the table, for each head, each number of more photos and each method."""
    found, brought, accuracies, refused = [], [], [], []
    for number in range(sets):
        random = np.random.default_rng([number, things])
        whole = source.draw(random, 2 * things)
        sets_of = [part(whole, round(things * (1 + more)), 2 * things) for more in (0, *MORE)]
        now, *then = (
            learn(each, np.arange(len(each.labels)), each.fresh, each.fresh_labels).mean(axis=1) for each in sets_of
        )
        # Second shots are photos, too.
        a_class = len(sets_of[0].labels) / (whole.labels.max() + 1)
        of_heads = curves(sets_of[0], a_class, number, random, learn)
        refused.append([bool(learning_curve.why_not(each)) for each in of_heads])
        brought.append(np.array(then).T - now[:, None])
        accuracies.append(now)
        found.append(
            [[[method(curve, more * a_class) for method in METHODS.values()] for more in MORE] for curve in of_heads]
        )
    lines = summarise(np.array(found), np.array(brought), np.array(refused))
    means = dict(zip(HEADS, np.mean(accuracies, axis=0), strict=True))
    return lines.assign(photos=things, sets=sets, accuracy=np.round(100 * lines["head"].map(means), 1))


HEADS = ("without", "with copies")


def summarise(found: np.ndarray, brought: np.ndarray, refused: np.ndarray) -> pd.DataFrame:
    """Return how the methods fare, one row for each head, number of more photos, and method.

    found: sets × heads × more × methods × (gain, low, high). brought: sets × heads × more, what the photos brought.
    refused: sets × heads, bool, where nothing is said; such sets are left out of the rest. In per cent and points:
    truth and foretold: means. coverage: how often the interval held what the photos brought; below and above: how often
    they brought less, and more. tells: how often the interval excludes 0.
    """
    lines = []
    for (head, of_head), (more, added), (number, method) in itertools.product(
        enumerate(HEADS), enumerate(MORE), enumerate(METHODS)
    ):
        said = ~refused[:, head]
        gain, low, high = 100 * found[said, head, more, number].T
        truth = 100 * brought[said, head, more]
        lines.append(
            {
                "head": of_head,
                "more": f"{added:.0%}",
                "method": method,
                "truth": round(truth.mean(), 2),
                "foretold": round(gain.mean(), 2),
                "coverage": round(100 * ((low <= truth) & (truth <= high)).mean(), 1),
                "below": round(100 * (truth < low).mean(), 1),
                "above": round(100 * (truth > high).mean(), 1),
                "width": round((high - low).mean(), 2),
                "tells": round(100 * (low > 0).mean(), 1),
                "refused": round(100 * (1 - said.mean()), 1),
            }
        )
    return pd.DataFrame(lines)


def by_method(table: pd.DataFrame) -> str:
    """Return a Markdown table of all methods over all rows."""
    lines = [
        "| method | coverage, mean | lowest | highest | width, mean | foretold less the truth, mean | tells a gain |",
        "|---|---|---|---|---|---|---|",
    ]
    for method, rows in table.groupby("method", sort=False):
        held, bias = rows["coverage"], (rows["foretold"] - rows["truth"]).mean()
        lines.append(
            f"| {method} | {held.mean():.1f} % | {held.min():.1f} % | {held.max():.1f} % | "
            f"{rows['width'].mean():.1f} | {bias:+.2f} | {rows['tells'].mean():.0f} % |"
        )
    return "\n".join(lines)


def by_row(table: pd.DataFrame) -> str:
    """Return a Markdown table of what `budget` says of as many photos again, for each source, size and head."""
    lines = [
        "| photos | a class | sets | head | now | brought | foretold | held | less, more | width | says nothing |",
        "|---" * 11 + "|",
    ]
    chosen = table[(table["method"] == CHOSEN) & (table["more"] == "100%")]
    for row in chosen.itertuples():
        lines.append(
            f"| {row.source} | {row.photos} | {row.sets} | {row.head} | {row.accuracy:.1f} % | {row.truth:+.2f} | "
            f"{row.foretold:+.2f} | {row.coverage:.1f} % | {row.below:.1f} %, {row.above:.1f} % | "
            f"{row.width:.1f} | {row.refused:.1f} % |"
        )
    return "\n".join(lines)


def put(table: pd.DataFrame, page: str) -> str:
    """Return the page with the tables of the CSV's lines in the place of those it has."""
    unseen = table["source"].isin(UNSEEN)
    # A few sets of the project's own head say little of how often.
    seen = ~unseen & (table["source"] != OWN)
    parts = [
        "By method, over the sources that the method was chosen on:",
        by_method(table[seen]),
        f"Over those that nobody had looked at before it was chosen, {' and '.join(UNSEEN)}:",
        by_method(table[unseen]),
        "Row by row, for as many photos again:",
        by_row(table),
    ]
    return page_tables.put(page, BEGIN, END, BETWEEN.join(parts))


def add(name: str, lines: pd.DataFrame) -> None:
    """Put the lines of a row into the CSV, in place of those it has."""
    fresh = lines.assign(source=name)[COLUMNS]
    known = pd.read_csv(RESULT) if RESULT.exists() else fresh.iloc[:0]
    kept = known[(known["source"] != name) | (known["photos"] != fresh["photos"].iloc[0])]
    table = pd.concat([kept, fresh]) if len(kept) else fresh
    order = table["source"].map([*SOURCES, OWN].index)
    table = table.assign(order=order).sort_values(["order", "photos"], kind="stable").drop(columns="order")
    atomic.write(RESULT, table.to_csv(index=False, lineterminator="\n").encode())


def main() -> None:
    """Measure the rows that are asked for, or write the page of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, help=f"small sets for each row, {SETS} or, of the own head, {OWN_SETS}")
    parser.add_argument("--only", nargs="+", choices=SOURCES, default=SOURCES, metavar="SOURCE", help="rows by source")
    parser.add_argument("--things", nargs="+", type=int, default=THINGS, help="rows by photos of each class")
    pools = Path(tempfile.gettempdir(), "pools")
    parser.add_argument("--pools", type=Path, default=pools, help="where features are kept")
    parser.add_argument("--head", action="store_true", help="measure the row of the project's own head instead")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    wanted = [(name, things) for things in arguments.things for name in arguments.only]
    if arguments.head:
        wanted = [(OWN, things) for things in OWN_THINGS]
    for name, things in () if arguments.report else wanted:
        if name == OWN:
            source = Whole(feature_pools.pool("digits", arguments.pools))
            lines = measure(source, things, arguments.sets or OWN_SETS, own_head)
        else:
            lines = measure(SOURCES[name](arguments.pools), things, arguments.sets or SETS)
        add(name, lines)
        print(name, things, lines.to_string(), sep="\n", file=sys.stderr, flush=True)
    page = put(pd.read_csv(RESULT), PAGE.read_text(encoding="utf-8"))
    atomic.write(PAGE, page.encode())


if __name__ == "__main__":
    main()
