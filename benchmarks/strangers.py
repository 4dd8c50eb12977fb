"""What "none of these" lets through and what it refuses wrongly: each method, five sets, four kinds of strangers.

Run in the project's folder: `.venv/bin/python benchmarks/strangers.py`. It takes about five minutes on two cores.
`HUSKIES_SHARED` has the photos, and `KERAS_HOME` the weights of MobileNetV2. It writes benchmarks/strangers.csv and the
tables of docs/predict.md; `--report` writes the tables alone.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import page_tables
import pandas as pd
from huskies import atomic
from huskies.backbone import inference, tensorflow_setup
from huskies.backbone.features import Rows
from huskies.controls import noise_images
from huskies.images import codec, folds, raw
from huskies.images.conversion import convert_image
from huskies.model import classifier, strangers
from huskies.model.neighbours import Neighbours, directions
from huskies.model.strangers import METHODS, Known
from huskies.statistics import calibration
from huskies.training import regularisation, scatter
from ruamel.yaml import YAML
from scipy import special

PROJECT = Path(__file__).resolve().parents[1]
RESULT, PAGE = PROJECT / "benchmarks/strangers.csv", PROJECT / "docs/predict.md"
BEGIN, END = "<!-- The tables, by benchmarks/strangers.py. -->", "<!-- The end of the tables. -->"
SETS = ("flowers", "hands", "products", "letters", "digits")
BACKBONES: dict[str, dict[str, Any]] = {
    "bundled": {},
    "MobileNetV2": {"name": "MobileNetV2", "arguments": {}, "weights": "imagenet", "input_size": 224},
}
DIGITS, NOISE, SIDE, ACCEPT = 300, 100, 28, 0.95
SHIPPED = YAML(typ="safe").load((PROJECT / "params.yaml").read_text(encoding="utf-8"))


def jpegs(name: str) -> tuple[list[bytes], list[str]]:
    """Return the flow's JPEGs of a set and their labels; of the digits some of each class, and of noise as many."""
    quality, side = SHIPPED["convert"]["quality"], SHIPPED["convert"]["max_side"]
    if name == "noise":
        return [codec.encode(each, quality) for each in noise_images.make(NOISE, SIDE, 1)], ["noise"] * NOISE
    photos = raw.open_raw(
        PROJECT / "data/digits" if name == "digits" else Path(os.environ["HUSKIES_SHARED"], "data", name)
    )
    chosen = photos.images[:: -(-len(photos.images) // DIGITS)] if name == "digits" else photos.images
    made = [convert_image(photos.read(each.source), quality, side) for each in chosen]
    return made, [each.label for each in chosen]


def features(name: str, backbone: str, cores: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (bottlenecks, float32 N × D; labels, int N) of a set."""
    parameters = inference.settle({**SHIPPED["backbone"], **BACKBONES[backbone]})
    made, labels = jpegs(name)
    found = inference.stream(parameters, made, codec.decode_jpeg, str, cores)
    return np.concatenate([rows for _, rows in found]), np.unique(labels, return_inverse=True)[1]


def known_to(rows: Rows, labels: np.ndarray, parameters: dict[str, Any]) -> Known:
    """Return what is known to the softmax regression that the head's steps approach."""
    known = scatter.of(rows, labels, int(labels.max()) + 1)
    kernel, bias = regularisation.linear(rows, known, parameters)
    weights = regularisation.softmax_regression(rows[:] @ kernel + bias, labels, parameters)
    return classifier.of_head((weights[:-1], weights[-1]), (rows, labels), parameters), Neighbours(directions(rows))


def measure(own: tuple[np.ndarray, np.ndarray], others: dict[str, np.ndarray], widths: list[int]) -> list[dict]:
    """Return lines of (strangers, method, share) for one set: what is let through, and in `own` what is not.

    own: bottlenecks and labels. others: bottlenecks of strangers, by their kind. Each fold's photos have the threshold
    that the other folds' set, so that what is refused wrongly is counted on photos that did not choose it. The lines of
    `error` are the expected calibration error before and after the temperature.
    """
    rows, labels = Rows([own[0]], np.arange(len(own[0]))), own[1]
    # Each photo is a group of its own here: whose photos belong together is the flow's to find.
    table = pd.DataFrame({"label": labels.astype(str), "group": [str(each) for each in range(len(labels))]})
    fold = folds.assign(table, 5, 0, 1)
    parameters = regularisation.choose(
        (rows, labels), table.assign(copy=""), widths, {**SHIPPED["train"], "scaling": "discriminants"}
    )
    scores = {name: np.empty(len(labels)) for name in METHODS}
    logits = np.empty((len(labels), int(labels.max()) + 1))
    for each in range(5):
        trained, asked = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        known = known_to(rows.only(trained), labels[trained], parameters)
        logits[asked] = known[0].logits(rows[asked])
        for name, found in strangers.scores(known, rows[asked]).items():
            scores[name][asked] = found
    lines = []
    for name, found in scores.items():
        limits = [strangers.threshold(found[fold != each], ACCEPT) for each in range(5)]
        lines.append({"strangers": "own", "method": name, "share": float((found > np.array(limits)[fold]).mean())})
    everything = known_to(rows, labels, parameters)
    for kind, bottlenecks in others.items():
        for name, found in strangers.scores(everything, bottlenecks).items():
            through = found <= strangers.threshold(scores[name], ACCEPT)
            lines.append({"strangers": kind, "method": name, "share": float(through.mean())})
    for each in strangers.left_out(rows, labels, fold, parameters, ACCEPT):
        lines += [{"strangers": "a class left out", "method": name, "share": each[name]} for name in METHODS]
    for when, sure in (
        ("before", special.softmax(logits, axis=1)),
        ("after", calibration.held_out(logits, labels, fold)),
    ):
        error = calibration.expected_error(calibration.reliability(sure, labels))
        lines.append({"strangers": "error", "method": when, "share": error})
    return lines


def measured(cores: int) -> pd.DataFrame:
    """Return the lines of all sets and backbones, with the mean of those of one kind of strangers."""
    found = []
    for backbone in BACKBONES:
        sets = {name: features(name, backbone, cores) for name in (*SETS, "noise")}
        widths = inference.settle({**SHIPPED["backbone"], **BACKBONES[backbone]})["widths"]
        for name in SETS:
            # The photos of other sets; noise and digits are kinds of their own.
            kinds = {
                "noise": ["noise"],
                "digits": ["digits"],
                "photos of other sets": [s for s in SETS if s != "digits"],
            }
            others = {
                kind: np.concatenate([sets[each][0] for each in of_kind if each != name])
                for kind, of_kind in kinds.items()
                if of_kind != [name]
            }
            found += [{"backbone": backbone, "set": name, **each} for each in measure(sets[name], others, widths)]
    keys = ["backbone", "set", "strangers", "method"]
    return pd.DataFrame(found).groupby(keys, sort=False)["share"].mean().round(4).reset_index()


def tables(found: pd.DataFrame) -> str:
    """Return the Markdown tables: what is let through, by kind of strangers and by set, and the calibration."""
    return "\n\n".join([_by_kind(found), _by_set(found), _errors(found)])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join([_row(head), "|---" * len(head) + "|", *map(_row, lines)])


def _by_kind(found: pd.DataFrame) -> str:
    kinds = [each for each in found["strangers"].unique() if each not in ("own", "error")]
    means = found.groupby(["backbone", "method", "strangers"])["share"].mean()
    lines = [
        [backbone, method, *(_percent(means[backbone, method, kind]) for kind in ("own", *kinds))]
        for backbone in BACKBONES
        for method in METHODS
    ]
    return _table(["backbone", "method", "own photos refused", *(f"{kind} let through" for kind in kinds)], lines)


def _by_set(found: pd.DataFrame) -> str:
    left = found[found["strangers"] == "a class left out"].set_index(["backbone", "set", "method"])["share"]
    lines = [
        [backbone, name, *(_percent(left[backbone, name, method]) for method in METHODS)]
        for backbone in BACKBONES
        for name in SETS
    ]
    return _table(["backbone", "of a class left out of", *METHODS], lines)


def _errors(found: pd.DataFrame) -> str:
    error = found[found["strangers"] == "error"].set_index(["backbone", "set", "method"])["share"]
    lines = [
        [backbone, name, *(f"{100 * error[backbone, name, when]:.1f} %" for when in ("before", "after"))]
        for backbone in BACKBONES
        for name in SETS
    ]
    return _table(["backbone", "set", "calibration error before", "after"], lines)


def main() -> None:
    """Measure, and write the CSV and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", action="store_true", help="only write the tables again")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    if not arguments.report:
        tensorflow_setup.load_tensorflow()
        atomic.write(RESULT, measured(arguments.cores).to_csv(index=False, lineterminator="\n").encode())
    page = PAGE.read_text(encoding="utf-8")
    atomic.write(PAGE, page_tables.put(page, BEGIN, END, tables(pd.read_csv(RESULT))).encode())


if __name__ == "__main__":
    main()
