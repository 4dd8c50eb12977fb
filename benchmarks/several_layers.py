"""What the layers, and what is chosen for each head, are worth: each set by cross-validation, and the digits' test.

Run in the project's folder: `.venv/bin/python benchmarks/several_layers.py`. It takes about an hour on two cores.
`HUSKIES_SHARED` has the photos, and `KERAS_HOME` the weights of MobileNetV2 and of MobileNet with alpha 0.75. Each row
is in benchmarks/several_layers.csv as soon as it is measured; `--report` writes the tables of docs/backbones.md.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import clones
import numpy as np
import page_tables
import pandas as pd
from huskies import atomic
from ruamel.yaml import YAML

PROJECT = Path(__file__).resolve().parents[1]
RESULT, PAGE = PROJECT / "benchmarks/several_layers.csv", PROJECT / "docs/backbones.md"
BEGIN, END = "<!-- The tables, by benchmarks/several_layers.py. -->", "<!-- The end of the tables. -->"
COLUMNS = ["set", "backbone", "layers", "baseline", "augmented", "gain", "low", "high", "features", "megabytes"]
PHOTOS = ("flowers", "hands", "products", "letters")
SEEDS = range(1, 11)
BACKBONES: dict[str, dict[str, Any]] = {
    "bundled": {},
    "MobileNetV2": {"name": "MobileNetV2", "arguments": {}, "weights": "imagenet", "input_size": 224},
    "MobileNet 0.75": {"name": "MobileNet", "arguments": {"alpha": 0.75}, "weights": "imagenet", "input_size": 224},
}
# The last layer alone, standardised, is what the article has.
LAST = {"backbone": {"layer": None}, "train": {"scaling": "standardise", "l2": 0.01}}
SETTINGS: dict[str, dict[str, Any]] = {"the last": LAST, "every second block": {}}


def set_up(folder: Path, photos: str) -> None:
    """Let a clone read a set of photos, with copies that keep its labels, and hold none out for a test."""
    policy = YAML(typ="safe").load((PROJECT / "workflow/article/flowers.yaml").read_text())["aug"]["policy"]
    # A mirrored letter is no letter: those have the policy of the digits.
    aug = {} if photos == "letters" else {"aug": {"policy": policy}}
    raw = str(Path(os.environ["HUSKIES_SHARED"], "data", photos))
    clones.set_parameters(folder, raw=raw, split={"validation": 0.2, "test": 0.0}, **aug)


def use(folder: Path, backbone: str, setting: str) -> None:
    """Set the backbone, its layers and the head in a clone, and all else in those sections as it ships."""
    shipped = YAML(typ="safe").load((PROJECT / "params.yaml").read_text())
    changed = {"backbone": {}, "train": {}, **SETTINGS[setting]}
    clones.set_parameters(
        folder,
        backbone={**shipped["backbone"], **BACKBONES[backbone], **changed["backbone"]},
        train={**shipped["train"], **changed["train"]},
    )


def cross_validated(folder: Path, backbone: str, setting: str) -> dict[str, Any]:
    """Return what cross-validation says in a clone, and how wide and large its bottlenecks are."""
    use(folder, backbone, setting)
    clones.run(folder, "snakemake", "--cores", "2", "cross_validation")
    numbers = json.loads((folder / "data/cross_validation/cross_validation.json").read_text())
    bottlenecks = list(folder.glob("data/bottlenecks_*/features.npy"))
    features = np.load(bottlenecks[0], mmap_mode="r").shape[1]
    return {
        "baseline": numbers["baseline"]["accuracy"],
        "augmented": numbers["augmented"]["accuracy"],
        "gain": numbers["gain"]["accuracy"],
        "low": numbers["gain"]["low"],
        "high": numbers["gain"]["high"],
        "features": features,
        "megabytes": round(sum(each.stat().st_size for each in bottlenecks) / 1e6, 1),
    }


def tested(folder: Path, setting: str, seed: int) -> dict[str, Any]:
    """Return the accuracies of both heads on the test digits of a split."""
    use(folder, "bundled", setting)
    clones.set_parameters(folder, split={"seed": seed})
    clones.run(folder, "snakemake", "--cores", "2", "test")
    numbers = json.loads((folder / "data/test/test.json").read_text())
    baseline, augmented = (numbers[head]["test_accuracy"] for head in ("baseline", "augmented"))
    return {"baseline": baseline, "augmented": augmented, "gain": augmented - baseline}


def measure(names: list[str]) -> None:
    """Measure what is not measured yet, a row at a time."""
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            folder = clones.clone(Path(scratch))
            if name in PHOTOS:
                set_up(folder, name)
            for backbone in BACKBONES if name in PHOTOS else ("bundled",):
                for setting in SETTINGS:
                    row = {"set": name, "backbone": backbone, "layers": setting}
                    if not known(row):
                        keep({**row, **cross_validated(folder, backbone, setting)})
            for seed in () if name in PHOTOS else SEEDS:
                for setting in SETTINGS:
                    row = {"set": f"test of split {seed}", "backbone": "bundled", "layers": setting}
                    if not known(row):
                        keep({**row, **tested(folder, setting, seed)})


def table() -> pd.DataFrame:
    """Return what is measured."""
    return pd.read_csv(RESULT) if RESULT.is_file() else pd.DataFrame(columns=COLUMNS)


def known(row: dict[str, Any]) -> bool:
    """Return whether a row is measured."""
    rows = table()
    return bool((rows[list(row)] == pd.Series(row)).all(axis=1).any())


def keep(row: dict[str, Any]) -> None:
    """Add a row to what is measured."""
    rows = [*table().to_dict("records"), row]
    atomic.write(RESULT, pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False, lineterminator="\n").encode())
    print(row, flush=True)


def report() -> None:
    """Write the tables into docs/backbones.md."""
    rows = table()
    is_test = rows["set"].str.startswith("test of")
    lines = [
        "| photos | backbone | layers | features | without copies | with copies | gain, points | MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows[~is_test].itertuples():
        gain = f"{row.gain * 100:+.1f} ({row.low * 100:+.1f} to {row.high * 100:+.1f})".replace("-", "−")
        named = f"{row.set} | {row.backbone} | {row.layers} | {row.features:.0f}"
        lines.append(f"| {named} | {row.baseline:.3f} | {row.augmented:.3f} | {gain} | {row.megabytes:.0f} |")
    means = rows[is_test].groupby("layers", sort=False)[["baseline", "augmented", "gain"]].mean()
    if len(means):
        lines += [
            "",
            "| layers, digits' test images, mean of the splits | without copies | with copies | gain, points |",
        ]
        lines += ["|---|---|---|---|"]
    lines += [
        f"| {name} | {row['baseline']:.3f} | {row['augmented']:.3f} | {100 * row['gain']:+.1f} |"
        for name, row in means.iterrows()
    ]
    page = page_tables.put(PAGE.read_text(encoding="utf-8"), BEGIN, END, "\n".join(lines))
    atomic.write(PAGE, page.encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("sets", nargs="*", default=["digits", *PHOTOS])
    arguments = parser.parse_args()
    if not arguments.report:
        measure(arguments.sets)
    report()
