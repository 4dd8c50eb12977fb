"""The rows of the stage article that are made of one flow each: what they found, and the figures of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from huskies import outputs, receipt
from huskies.article import drawings, polynomials
from huskies.article.numbers import Found, Number, Table, history, labels, of_images, parameters, percent, read
from huskies.images import manifest
from huskies.page import charts, template

Inputs = Mapping[str, Path]

_HEADS = ("baseline", "augmented")


def of_polynomials(inputs: Inputs) -> Found:
    """Return errors by degree; reads the stage polynomials."""
    folder = inputs["polynomials"]
    rows = pd.read_csv(folder / polynomials.TABLE)
    best = rows.loc[rows["test_error"].idxmin()]
    errors = rows.set_index("degree")
    numbers = [
        Number(f"degree {degree}: mean squared error on {name} samples", errors.loc[degree, f"{name}_error"], "digits")
        for degree in polynomials.SHOWN
        for name in ("train", "test")
    ]
    numbers.insert(0, Number("degree with the least test error", int(best["degree"]), "count", leading=True))
    names = {polynomials.FITS: "Three polynomials", polynomials.ERRORS: "Training and test error by degree"}
    figures = [(caption, (folder / name).read_text(encoding="utf-8")) for name, caption in names.items()]
    cells = [
        [str(int(row.degree)), (row.train_error, "digits"), (row.test_error, "digits")] for row in rows.itertuples()
    ]
    table = Table("Mean squared errors of every degree", ["Degree", "Training", "Test"], cells)
    facts = {"samples": str(polynomials.SAMPLES), "test_samples": f"{polynomials.TEST_SAMPLES:,}".replace(",", " ")}
    return Found(numbers, facts, figures, [table])


def of_noise(inputs: Inputs) -> Found:
    """Return the accuracies on noise, against chance; reads the metrics and both trainings of the control noise."""
    metrics = read(inputs["noise/metrics"] / outputs.METRICS)
    folders = {head: inputs[f"noise/train_{head}"] for head in _HEADS}
    classes = len(labels(folders["baseline"]))
    numbers = [Number("chance: one in as many as there are classes", 1 / classes)]
    for head in _HEADS:
        found = metrics[head]
        interval = {"low": found["val_accuracy_low"], "high": found["val_accuracy_high"]}
        numbers.append(Number(f"{head}: training accuracy", found["train_accuracy"], leading=head == "baseline"))
        numbers.append(Number(f"{head}: validation accuracy", found["val_accuracy"], leading=True, **interval))
    curves = charts.learning_curves(
        {head: history(folder) for head, folder in folders.items()},
        {head: metrics[head]["step"] for head in _HEADS},
        "Accuracy and cross-entropy of both heads on images of noise by step.",
    )
    facts = {
        "classes": str(classes),
        "chance": percent(1 / classes),
        "val_images": str(metrics["baseline"]["val_images"]),
        "steps": str(parameters(folders["baseline"])["steps"]),
    }
    return Found(numbers, facts, [("Learning by heart: accuracy and cross-entropy by step", curves)])


def of_label_safety(inputs: Inputs) -> Found:
    """Return what each transform loses on copies of real images; reads the stage label_safety."""
    folder = inputs["label_safety"]
    rows = manifest.read(folder / "transforms.csv").astype(dict.fromkeys(("copies", "drop", "low", "high"), float))
    numbers = []
    groups: dict[str, dict[str, drawings.Interval]] = {}
    for row in rows.itertuples():
        note = "; ".join(filter(None, [row.warning or "no warning", row.most_confused]))
        found = {"low": row.low, "high": row.high, "note": note, "leading": row.Index == 0}
        numbers.append(Number(f"{row.transform}: accuracy lost on copies", row.drop, "points", **found))
        series = "collapses" if row.warning else "no warning"
        groups[row.transform] = {series: (row.drop, row.low, row.high)}
    alt = "Points of accuracy that each transform loses, with 95 % intervals; the table has the numbers."
    figure = drawings.intervals(groups, "accuracy lost, points", alt)
    broken = [row.transform for row in rows.itertuples() if row.warning]
    kept = [row.transform for row in rows.itertuples() if not row.warning]
    shown = (
        "Real images, untouched in the first row and below it by each transform alone, the worst first. "
        f"Collapse: {', '.join(broken) or 'none'}. Without a warning: {', '.join(kept) or 'none'}."
    )
    cells = [[row.transform, row.arguments, (row.copies, "percent"), row.most_confused] for row in rows.itertuples()]
    heads = ["Transform", "Arguments", "Accuracy on copies", "Most confused"]
    facts = {"broken": str(len(broken)), "transforms": str(len(rows)), "images": rows["images"].iloc[0]}
    picture = ((folder / "copies.png").read_bytes(), shown)
    table = Table("What each transform is, and what it makes the head confuse", heads, cells)
    return Found(numbers, facts, [("What each transform loses", figure)], [table], picture)


def of_distorted(inputs: Inputs) -> Found:
    """Return accuracy and cost of distortions on the fly; reads distorted and the bottlenecks' run of that backbone."""
    folder = inputs["distorted"]
    scores, cost = read(folder / outputs.SCORES), read(folder / outputs.COST)
    backbone, usual = _same_bottlenecks(inputs)
    numbers = [
        of_images(
            f"{backbone}: accuracy at the last step, distorted on the fly",
            scores["val_accuracy"],
            scores["val_images"],
            leading=True,
        ),
        Number("seconds a step, distorted on the fly", cost["seconds_per_step_distorted"], "digits"),
        Number("seconds a step, on bottlenecks", cost["seconds_per_step_bottlenecks"], "digits"),
        Number("times a step on bottlenecks", cost["ratio"], "digits", note="measured on this machine", leading=True),
    ]
    alt = f"Accuracy by step with distortions on the fly, and on bottlenecks for as long, {backbone}."
    beside = usual[usual["step"] <= cost["steps"]]
    histories = {"distorted on the fly": [history(folder)]}
    if len(beside):
        histories["on bottlenecks"] = [beside]
    curves = drawings.curves(histories, alt)
    settings = receipt.read(folder)["plan"]["params"]["distort"]
    flags = ", ".join(f"{name} {_setting(settings[name])}" for name in sorted(settings) if name != "steps")
    facts = {
        "backbone": backbone,
        "steps": str(cost["steps"]),
        "usual_steps": f"{usual['step'].max():.0f}",
        "ratio": template.KINDS["digits"](cost["ratio"]),
        "settings": flags,
        "val_images": str(scores["val_images"]),
    }
    return Found(numbers, facts, [(f"Accuracy by step, {backbone}", curves)])


def _setting(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value} %"


def _same_bottlenecks(inputs: Inputs) -> tuple[str, pd.DataFrame]:
    """Return (backbone, history) of the run on the very bottlenecks that the stage distorted validates on."""

    def bottlenecks(folder: Path) -> str:
        return receipt.read(folder)["plan"]["inputs"]["bottlenecks_original"]

    wanted = bottlenecks(inputs["distorted"])
    trained = {
        key.split("/")[1]: folder
        for key, folder in inputs.items()
        if key.startswith("flowers/") and key.endswith("/train_baseline") and bottlenecks(folder) == wanted
    }
    [(backbone, folder)] = trained.items()
    return backbone, history(folder)
