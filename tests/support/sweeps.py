"""Made-up descriptions of sweeps."""

import json
from pathlib import Path

import pandas as pd
from conftest import PROJECT
from huskies.article import sweep_flows
from ruamel.yaml import YAML

DESCRIBED = YAML(typ="safe").load((PROJECT / sweep_flows.FILE).read_text(encoding="utf-8"))
# Four flows without copies, two of them with mixup, and a policy.
SMALL = {
    "params": {"split": {"validation": 0.3, "test": 0.0, "seed": 1}, "train": {"steps": 24, "keep": "last"}},
    "backbone": DESCRIBED["backbone"],
    "splits": 1,
    "train_per_class": [2, 4],
    "factors": [1, 2],
    "curve_factor": 2,
    "mixup": 0.2,
    "policies": {"light": [{"transform": "HorizontalFlip", "p": 0.5}]},
}


def write(path: Path, described: dict) -> None:
    with open(path, "w", encoding="utf-8") as file:
        YAML().dump(described, file)


# Which of four images each setting gets right, on two splits; the first two images of both are the same.
RIGHT = {
    "none/0/4": ["1100", "1000"],
    "mixup/0/4": ["1100", "1100"],
    "light/1/4": ["1110", "1110"],
    "light/2/4": ["1111", "1101"],
    "strong/1/4": ["0100", "1000"],
    "strong/2/4": ["1100", "1000"],
    "none/0/2": ["1000", "0000"],
    "mixup/0/2": ["1000", "0000"],
    "light/2/2": ["1100", "1000"],
    "strong/2/2": ["1100", "1100"],
}
FILES = ["a/val_1.jpg", "a/val_2.jpg", "b/val_3.jpg", "b/val_4.jpg"]


def write_metrics(top: Path) -> dict[str, Path]:
    """Write the metrics of RIGHT; return their folders by setting."""
    folders = {}
    for cell, splits in RIGHT.items():
        for split, answers in enumerate(splits, 1):
            folder = top / cell / str(split)
            folder.mkdir(parents=True)
            baseline = {"images": 4 * int(cell.rpartition("/")[2]), "val_images": 4, "val_accuracy": 0.0}
            augmented = {"val_accuracy": answers.count("1") / 4}
            (folder / "metrics.json").write_text(json.dumps({"baseline": baseline, "augmented": augmented, "leaks": 0}))
            files = FILES if split == 1 else [*FILES[:2], "b/val_5.jpg", "b/val_6.jpg"]
            predicted = ["x" if right == "1" else "y" for right in answers]
            table = pd.DataFrame({"file": files, "actual": "x", "predicted": predicted})
            table.to_csv(folder / "predictions.csv", index=False)
            folders[f"{cell}/{split}"] = folder
    return folders
