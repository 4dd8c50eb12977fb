"""Made-up inputs of the stage article: every flow that its rows read, with numbers that a test can foretell."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, bare_job
from huskies import receipt
from huskies.article import article, polynomials
from huskies.job import Job
from PIL import Image

STEPS = 1000
# Validation images of every split: one image is 2.5 points.
VAL_IMAGES, TRAIN_IMAGES = 40, 160
HEADS = ("baseline", "augmented")
POLICY = "aug.policy.0 <b>&amp;"
SENTENCE = "<i>The best of 3 policies</i> is flattered by 5.0 points."


class Inputs:
    """Writes the folders below `data` and knows them by the keys that the stage is given."""

    def __init__(self, data: Path):
        """Begin with no folder."""
        self.data, self.folders = data, {}

    def folder(self, key: str, plan: dict[str, Any]) -> Path:
        path = self.data / key
        path.mkdir(parents=True)
        self.folders[key] = path
        self._plans = {**getattr(self, "_plans", {}), key: plan}
        return path

    def write(self, key: str, name: str, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folders[key] / name).write_text(text, encoding="utf-8")

    def finish(self) -> dict[str, Path]:
        """Write all receipts; return the folders."""
        for key, plan in self._plans.items():
            receipt.write(self.folders[key], {"stage": key.split("/")[-1], **plan})
        return self.folders

    def training(self, key: str, last: float, optimizer: str = "adam", bottlenecks: str = "0") -> None:
        """A head whose validation rises in a line to `last`, but for one raw point of 1 that smoothing levels."""
        train = {"steps": STEPS, "optimizer": optimizer, "learning_rate": 0.001 if optimizer == "adam" else 0.01}
        self.folder(key, {"params": {"train": train}, "inputs": {"bottlenecks_original": bottlenecks}})
        self.write(key, "history.csv", history(last).to_csv(index=False))
        self.write(key, "labels.txt", "a\nb\nc\nd\n")

    def flow(self, flow: str, last: dict[str, float], train: bool = True, **more: Any) -> None:
        """The metrics of a flow, and its two trainings unless only the metrics are read."""
        self.folder(f"{flow}/metrics", {})
        numbers: dict[str, Any] = {
            head: {
                "train_accuracy": 0.99,
                "val_accuracy": value,
                "val_accuracy_low": round(value - 0.125, 6),
                "val_accuracy_high": min(1.0, round(value + 0.125, 6)),
                "images": TRAIN_IMAGES * (6 if head == "augmented" else 1),
                "val_images": VAL_IMAGES,
                "step": STEPS,
            }
            for head, value in last.items()
        }
        self.write(f"{flow}/metrics", "metrics.json", {**numbers, "leaks": 0 if train else 7})
        for head, value in last.items() if train else ():
            self.training(f"{flow}/train_{head}", value, **more)


def history(last: float) -> pd.DataFrame:
    steps = np.arange(1, 51) * (STEPS // 50)
    validation = np.linspace(last - 0.05, last, 50)
    frame = pd.DataFrame({"step": steps, "train_accuracy": 0.99, "train_cross_entropy": 0.1})
    return frame.assign(val_accuracy=validation, val_cross_entropy=0.5).round(6)


def _controls(made: Inputs) -> None:
    made.folder("polynomials", {})
    polynomials.run(bare_job("polynomials", made.folders["polynomials"]))
    made.flow("noise", {"baseline": 0.25, "augmented": 0.275})
    made.folder("label_safety", {})
    columns = "transform,arguments,in_policy,images,untouched,copies,drop,low,high,most_confused,warning\n"
    rows = [
        f"{POLICY},[],yes,50,1.0,0.4,0.6,0.5,0.7,9 → 6: 5 of 6,collapses",
        "zoom up to 15 %,[],no,50,1.0,0.98,0.02,-0.01,0.05,,",
    ]
    made.write("label_safety", "transforms.csv", columns + "\n".join(rows) + "\n")
    png = io.BytesIO()
    Image.new("RGB", (600, 200), "lightgrey").save(png, "PNG")
    (made.folders["label_safety"] / "copies.png").write_bytes(png.getvalue())


def _flowers(made: Inputs, backbones: tuple[str, ...], seeds: int) -> None:
    for number, backbone in enumerate(backbones):
        for seed in range(1, seeds + 1):
            # Accuracies rise with the seed, so that there is a spread, and differ between backbones.
            base = 0.8 + 0.025 * (seed % 3) - 0.1 * number
            same = {"bottlenecks": f"{backbone}-{seed}"}
            made.flow(
                f"flowers/{backbone}/{seed}", {"baseline": base, "augmented": base + 0.05 + 0.025 * (seed % 2)}, **same
            )
            made.flow(
                f"gradient_descent/{backbone}/{seed}",
                {"baseline": base - 0.1 + 0.025 * (seed % 2), "augmented": base - 0.1},
                optimizer="sgd",
                **same,
            )
            made.flow(
                f"leaky/{backbone}/{seed}", {"baseline": 0.975 - 0.025 * (seed % 2), "augmented": 0.5}, train=False
            )
    settings = {"flip_left_right": True, "random_crop": 10, "random_scale": 0, "random_brightness": 5, "steps": 100}
    plan = {"params": {"distort": settings}, "inputs": {"bottlenecks_original": f"{backbones[-1]}-1"}}
    made.folder("distorted", plan)
    made.write("distorted", "history.csv", history(0.7).to_csv(index=False))
    made.write("distorted", "scores.json", {"val_accuracy": 0.7, "val_images": VAL_IMAGES, "step": 100})
    cost = {"seconds_per_step_distorted": 3.25, "seconds_per_step_bottlenecks": 0.0013, "ratio": 2500.0, "steps": 100}
    made.write("distorted", "cost.json", cost)
    made.folder("old_bottlenecks", {})
    change = {"val_images": VAL_IMAGES, "name_keyed": {"val_accuracy": 0.9, "right": 36, "old": 5, "copies": 8}}
    changes = [
        {**change, "change": name, "ours": {"val_accuracy": 0.6, "right": 24}} for name in ("grey copies", "<u>x")
    ]
    made.write("old_bottlenecks", "old_bottlenecks.json", {"changes": changes})
    made.folder("tuning", {})
    policies = [
        {"policy": number, "val_accuracy": value, "test_accuracy": 0.8}
        for number, value in enumerate((0.8, 0.85, 0.9), 1)
    ]
    best = {"best": 3, "best_val": 0.9, "best_test": 0.8, "mean_test": 0.8, "chance_low": 0.85, "chance_high": 0.95}
    more = {"val_images": VAL_IMAGES, "test_images": 60, "sentence": SENTENCE}
    made.write("tuning", "tuning.json", {"policies": policies, **best, **more})


def job(
    folder: Path, flowers: bool = True, backbones: tuple[str, ...] = ("<b>Inception", "MobileNetV2"), seeds: int = 3
) -> Job:
    """Write all inputs below `folder`; return the job of the stage, whose output is folder/out."""
    made = Inputs(folder / "data")
    _controls(made)
    if flowers:
        _flowers(made, backbones, seeds)
    (folder / "out").mkdir()
    return bare_job("article", folder / "out", inputs=made.finish())


HOSTILE = "<b>Inception"


def written(folder, **more):
    """Run the stage on made-up inputs; return (its line, its page, its table, its inputs)."""
    given = job(folder, **more)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        said = article.run(given)
    page = (given.output / "article.html").read_text(encoding="utf-8")
    return said, page, pd.read_csv(given.output / "article.csv"), given.inputs


def number(table: pd.DataFrame, row: str, what: str) -> pd.Series:
    [found] = table[(table["row"] == row) & (table["what"] == what)].to_dict("records")
    return found
