"""What there is to look at in the report: figures as SVG, and small pictures as JPEG. Test images are never opened."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.augmentation import gallery
from huskies.images import codec
from huskies.images.contact_sheet import Row
from huskies.page import charts, class_charts, label_issues, mistakes

# Of thumbnails, in pixels.
SIDE = 96
# Copies of one original, and draws of one transform; fewer copies where an original is one of many.
COPIES, FEWER_COPIES = 5, 2
# Originals shown with their copies, and with each transform by itself.
ORIGINALS, TRIED = 12, 2
# More missed images than these are counted, not shown, and so are more groups of duplicates and images of a group. The
# page with its pictures stays small enough for an e-mail.
MOST_MISSED, MOST_GROUPS, MOST_OF_GROUP = 50, 20, 6
# Training images in the map; a point takes a hundred bytes.
MOST_POINTS = 5000


def figures(
    metrics: dict[str, Any],
    histories: dict[str, pd.DataFrame],
    per_class: pd.DataFrame,
    confusion: pd.DataFrame,
    missed_files: Iterable[str],
    bottlenecks: tuple[pd.DataFrame, np.ndarray],
) -> dict[str, str]:
    """Return every figure as SVG, by name.

    metrics: metrics.json. histories, per_class, confusion: what the CSVs of these names have. bottlenecks: rows of the
    split's manifest, of train and val, and their features.
    """
    heads = list(histories)
    labels = sorted({*confusion["actual"], *confusion["predicted"]})
    points, explained = mistakes.project(*bottlenecks)
    rows, _ = bottlenecks
    drawn = {
        "cross_validation": cross_validated(metrics),
        "comparison": on_validation_images(metrics),
        "learning_curves": charts.learning_curves(
            histories,
            {head: metrics[head]["step"] for head in heads},
            "Accuracy and cross-entropy of both heads by step; the points are in history.csv of each training.",
        ),
        "per_class": class_charts.per_class(
            per_class, "Recall and precision of each class for both heads; the table below has the numbers."
        ),
        "map": class_charts.bottleneck_map(
            drawn_points(points, rows),
            explained,
            set(missed_files),
            "Each image as a point, near to those that the backbone finds like it.",
        ),
    }
    for head in heads:
        alt = f"Which class the {head} head takes for which; the table below has the numbers."
        drawn[f"confusion_{head}"] = class_charts.confusion(confusion[confusion["head"] == head], labels, alt)
    return drawn


def cross_validated(metrics: dict[str, Any]) -> str:
    """Return the figure of what cross-validation says of both heads; metrics: metrics.json."""
    asked = metrics["cross_validation"]
    heads = {name: _interval(asked[name], "accuracy") for name in outputs.HEADS}
    measure = "accuracy out of fold"
    return charts.comparison(heads, _interval(asked["gain"], "accuracy"), measure, asked["leaks"], metrics["sentence"])


def on_validation_images(metrics: dict[str, Any]) -> str:
    """Return the figure of both heads on the validation images; metrics: metrics.json."""
    heads = {name: _interval(metrics[name], "val_accuracy", "val_accuracy_") for name in outputs.HEADS}
    gain, said = _interval(metrics["gain"], "val_accuracy"), metrics["validation"]["sentence"]
    return charts.comparison(heads, gain, "validation accuracy", metrics["leaks"], said)


def _interval(found: dict[str, Any], name: str, prefix: str = "") -> charts.Interval:
    return found[name], found[f"{prefix}low"], found[f"{prefix}high"]


def drawn_points(points: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the points to draw: of all validation images, and of the MOST_POINTS training images of least sha256.

    points: what `mistakes.project` returns for rows.
    """
    chosen = rows[rows["split"] == "train"].sort_values(["sha256", "file"])["file"].head(MOST_POINTS)
    return points[(points["split"] != "train") | points["file"].isin(chosen)]


def thumbnails(split: Path, rows: pd.DataFrame) -> dict[str, bytes]:
    """Return a small JPEG of each image of data/split, by file; rows of its manifest, of train and val alone."""
    mistakes.refuse_test_images(rows)
    return {
        row.file: gallery.thumbnail(codec.decode(codec.read_checked(split / row.file, row.sha256)), SIDE)
        for row in rows.itertuples()
    }


def copies_of(split: Path, augment: Path, rows: pd.DataFrame) -> dict[str, Row]:
    """Return the pictures of each training image of `rows` and of a few of its copies, by file."""
    shown = gallery.with_copies(gallery.originals(split, rows), augment, FEWER_COPIES, SIDE)
    return dict(zip(rows["file"], shown, strict=True))


def galleries(
    split: Path, augment: Path, rows: pd.DataFrame, aug: dict[str, Any]
) -> tuple[Sequence[Row], Sequence[tuple[str, Sequence[Row]]]]:
    """Return (some originals with their copies, for each transform what it makes of a few by itself).

    aug: what the stage augment was given. Without copies there is nothing to show.
    """
    if not aug["factor"]:
        return [], []
    chosen = list(gallery.originals(split, gallery.choose(rows, 1).head(ORIGINALS)))
    by_transform = gallery.each_transform(chosen[:TRIED], aug["policy"], aug["seed"], COPIES, SIDE)
    return gallery.with_copies(chosen, augment, COPIES, SIDE), by_transform


def duplicates(rows: pd.DataFrame, groups: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the groups of duplicates among train and val: each with split, reasons, size and images (file, label).

    The images are the first MOST_OF_GROUP of those that there are.
    """
    found = label_issues.duplicates(rows, groups)
    return [
        {
            "split": each["split"].iloc[0],
            "reasons": each["reasons"].iloc[0],
            "size": len(each),
            "images": each[["file", "label"]].head(MOST_OF_GROUP).to_dict("records"),
        }
        for _, each in found.groupby("group", sort=False)
    ]
