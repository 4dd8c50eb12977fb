"""The rows of the stage article that are made on several splits of the flowers, at several seeds, by each backbone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.article import drawings
from huskies.article.numbers import Found, Number, Table, history, margin, parameters, percent, read, span
from huskies.statistics import over_splits, verdicts

Inputs = Mapping[str, Path]
Spread = Mapping[str, float | None]


@dataclass(frozen=True)
class Runs:
    """One head of a flow by one backbone on several splits: its histories and metrics.json of each, in that order."""

    seeds: Sequence[int]
    histories: Sequence[pd.DataFrame]
    metrics: Sequence[Mapping]
    trained: Mapping

    @property
    def last(self) -> np.ndarray:
        """Validation accuracy at the last step of each run, float64."""
        return np.array([each["val_accuracy"].iloc[-1] for each in self.histories])

    @property
    def best(self) -> np.ndarray:
        """The highest point of each smoothed validation curve, as the article reads it off, float64."""
        return np.array([drawings.smoothed(each["val_accuracy"]).max() for each in self.histories]).round(6)

    @property
    def held_out(self) -> float:
        """Validation images for each training image, over all splits."""
        return self.images("val_images").sum() / self.images("images").sum()

    def images(self, which: str) -> np.ndarray:
        """Return how many images each split has for validation ("val_images") or for training ("images")."""
        return np.array([each["baseline"][which] for each in self.metrics])


def backbones(inputs: Inputs, flow: str) -> list[str]:
    """Return the backbones that a flow was run by, sorted."""
    return sorted({key.split("/")[1] for key in inputs if key.startswith(f"{flow}/")})


def runs(inputs: Inputs, flow: str, backbone: str, head: str) -> Runs:
    """Return what a head has come to on each split."""
    of_backbone = f"{flow}/{backbone}/"
    seeds = sorted({int(key.split("/")[2]) for key in inputs if key.startswith(of_backbone)})
    folders = [inputs[f"{of_backbone}{seed}/train_{head}"] for seed in seeds]
    metrics = [read(inputs[f"{of_backbone}{seed}/metrics"] / outputs.METRICS) for seed in seeds]
    return Runs(seeds, [history(folder) for folder in folders], metrics, parameters(folders[0]))


def mean(what: str, found: Spread, **more) -> Number:
    """Return the mean of several splits as a number, with its interval and standard deviation."""
    deviation = found["standard_deviation"]
    note = "" if deviation is None else f"standard deviation over the seeds {100 * deviation:.1f} points"
    if found.get("p_value") is not None:
        note += f"; {verdicts.p_text(found['p_value'])}"
    return Number(what, found["mean"], low=found["low"], high=found["high"], note=note, **more)


def of_head(backbone: str, each: Runs, reported: float | None, leading: bool = True) -> list[Number]:
    """Return the best smoothed value, as the article reads it, and the mean of the last step."""
    best = each.best
    ranged = f"{len(best)} seeds: {span(best, percent)}; a maximum, chosen on the validation images"
    return [
        Number(
            f"{backbone}: best smoothed value, mean",
            round(best.mean(), 6),
            article=reported,
            note=ranged,
            leading=leading,
        ),
        mean(f"{backbone}: last step, mean", over_splits.accuracy(each.last, each.held_out), leading=leading),
    ]


def difference(what: str, before: np.ndarray, after: np.ndarray, held_out: float) -> Number:
    """Return by how much `after` exceeds `before`, split by split: the mean, its interval, and a paired test."""
    return mean(what, over_splits.spread(after - before, held_out), kind="points", leading=True)


def of_each_seed(heads: Mapping[str, Runs]) -> Table:
    """Return the table of every seed; heads: by the name that stands in the table, all of the same splits."""
    names = ["Backbone and head", "Seed", "Best smoothed", "Last step", "Training images", "Validation images"]
    rows = [
        [name, str(seed), (best, "percent"), (last, "percent"), str(images), str(held_out)]
        for name, each in heads.items()
        for seed, best, last, images, held_out in zip(
            each.seeds, each.best, each.last, each.images("images"), each.images("val_images"), strict=True
        )
    ]
    return Table("Every seed", names, rows)


def facts(each: Runs) -> dict[str, str]:
    """Return what a paragraph may say of the splits and of the training, in words."""
    held_out = each.images("val_images")
    typical = int(np.median(held_out))
    return {
        "seeds": str(len(each.seeds)),
        "val_images": span(held_out),
        "one_image": f"{100 / typical:.1f}",
        "margin": f"{100 * margin(each.last.mean(), typical):.0f}",
        "steps": str(each.trained["steps"]),
        "optimizer": {"adam": "Adam", "sgd": "gradient descent"}[each.trained["optimizer"]],
        "learning_rate": f"{each.trained['learning_rate']:g}",
        "lead": f"{100 * (each.best - each.last).mean():+.1f}",
    }


def _curves(backbone: str, heads: Mapping[str, Runs], reported: float | None = None) -> tuple[str, str]:
    histories = {name: each.histories for name, each in heads.items()}
    alt = f"Accuracy by step, {backbone}, raw and smoothed; the table of every seed has the ends."
    return f"Accuracy by step, {backbone}", drawings.curves(histories, alt, reported)


def of_flowers(inputs: Inputs, reported: float) -> Found:
    """Return the run without augmentation; reported: the article's best smoothed value."""
    found = {each: runs(inputs, "flowers", each, "baseline") for each in backbones(inputs, "flowers")}
    numbers = [number for name, each in found.items() for number in of_head(name, each, reported)]
    figures = [_curves(name, {"baseline": each}, reported) for name, each in found.items()]
    first, each = next(iter(found.items()))
    return Found(numbers, {**facts(each), "backbone": first}, figures, [of_each_seed(found)])


def of_prefix_mode(inputs: Inputs, reported: float) -> Found:
    """Return the run with augmented copies of training images alone, and what it gains on the same splits."""
    numbers, figures, tables = [], [], {}
    for name in backbones(inputs, "flowers"):
        before, after = (runs(inputs, "flowers", name, head) for head in ("baseline", "augmented"))
        numbers += of_head(name, after, reported)
        gain = difference(f"{name}: gain over no augmentation", before.last, after.last, after.held_out)
        numbers.append(gain)
        figures.append(_curves(name, {"baseline": before, "augmented": after}, reported))
        tables[name] = after
    first, each = next(iter(tables.items()))
    return Found(numbers, {**facts(each), "backbone": first}, figures, [of_each_seed(tables)])


def of_gradient_descent(inputs: Inputs) -> Found:
    """Return gradient descent beside Adam, on the same splits."""
    numbers, figures, tables = [], [], {}
    for name in backbones(inputs, "gradient_descent"):
        adam, descent = (runs(inputs, flow, name, "baseline") for flow in ("flowers", "gradient_descent"))
        heads = {"Adam": adam, "gradient descent": descent}
        for optimizer, each in heads.items():
            numbers += of_head(f"{name}, {optimizer}", each, None, leading=False)
            tables[f"{name}, {optimizer}"] = each
        numbers.append(difference(f"{name}: Adam over gradient descent", descent.last, adam.last, adam.held_out))
        figures.append(_curves(name, heads))
    said = facts(descent)
    return Found(numbers, {**said, "adam_rate": facts(adam)["learning_rate"]}, figures, [of_each_seed(tables)])


def of_leaky(inputs: Inputs) -> Found:
    """Return what augmenting before splitting reports, beside the honest run with as many copies."""
    numbers, groups = [], {}
    for name in backbones(inputs, "leaky"):
        honest = runs(inputs, "flowers", name, "augmented")
        leaky = [read(inputs[f"leaky/{name}/{seed}/metrics"] / outputs.METRICS) for seed in honest.seeds]
        # All copies are among its raw images, so that its head without further copies is the one to look at.
        reported = np.array([each["baseline"]["val_accuracy"] for each in leaky])
        held_out = sum(each["baseline"]["val_images"] for each in leaky) / sum(
            each["baseline"]["images"] for each in leaky
        )
        both = {
            "leaky": mean(f"{name}: augmented first, split afterwards", over_splits.accuracy(reported, held_out)),
            "honest": mean(f"{name}: split first", over_splits.accuracy(honest.last, honest.held_out)),
        }
        over = difference(f"{name}: leaky over honest", honest.last, reported, honest.held_out)
        numbers += [*both.values(), over]
        groups[name] = {key: _interval(number) for key, number in both.items()}
    alt = "Validation accuracy of the leaky run and of the honest one, means over the seeds with 95 % intervals."
    figure = drawings.intervals(groups, "validation accuracy, %", alt, "{:.1f} % ({:.1f} to {:.1f})")
    images = span([each["baseline"]["val_images"] for each in leaky])
    said = {**facts(honest), "leaky_images": images, "leaks": span([each["leaks"] for each in leaky])}
    return Found(numbers, said, [("Leaky and honest", figure)])


def _interval(number: Number) -> drawings.Interval:
    """Return (value, low, high); without a spread, the value three times."""
    return tuple(number.ours if each is None else each for each in (number.ours, number.low, number.high))
