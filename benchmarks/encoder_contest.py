"""The contest of encoders on three sets of photos, with each network as Keras has it and in an ONNX file.

    HUSKIES_SHARED=… KERAS_HOME=… python benchmarks/encoder_contest.py [SET …]; then --report for the table in the page

`HUSKIES_SHARED` has the photos and InceptionV3's weights, `KERAS_HOME` those of MobileNetV2 and of MobileNet with alpha
0.75. It takes a quarter of an hour a set on two cores. The rows are in benchmarks/encoder_contest.csv, the tables in
docs/encoders.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import clones
import page_tables
import pandas as pd
from huskies import atomic
from several_layers import set_up

PROJECT = Path(__file__).resolve().parents[1]
RESULT, PAGE = PROJECT / "benchmarks/encoder_contest.csv", PROJECT / "docs/encoders.md"
BEGIN, END = "<!-- The contests, by benchmarks/encoder_contest.py. -->", "<!-- The end of the contests. -->"
SETS = ("flowers", "hands", "products")
INCEPTION = "inception_v3_notop_to_mixed8.weights.h5"
# By name: the section of a candidate, and what makes its network in Keras, for the file.
KERAS: dict[str, dict[str, Any]] = {
    "bundled": {"name": "MobileNet", "arguments": {"alpha": 0.5}, "weights": "mini.weights.h5", "input_size": 96},
    "MobileNetV2": {"name": "MobileNetV2", "input_size": 224},
    "MobileNet 0.75": {"name": "MobileNet", "arguments": {"alpha": 0.75}, "input_size": 224},
    "InceptionV3 to mixed8": {"name": "InceptionV3", "weights": INCEPTION, "layer": "mixed8", "input_size": 299},
}
# All four want pixels of −1 to 1.
PIXELS = {"scale": 1 / 127.5, "mean": [1.0, 1.0, 1.0]}
EXPORT = """
import json, sys
import keras, numpy
from huskies.backbone import network
section, path = json.loads(sys.argv[1]), sys.argv[2]
whole, side = network.build(section)
whole(numpy.zeros((1, side, side, 3), "float32"))
whole.export(path, format="onnx", verbose=False)
"""


def candidates(folder: Path) -> list[dict[str, Any]]:
    """Put an ONNX file of each network into backbones/ of a clone; return the candidates of both kinds."""
    shutil.copy(Path(os.environ["HUSKIES_SHARED"], "weights", INCEPTION), folder / "backbones")
    found = []
    for name, section in KERAS.items():
        file = f"{name.replace(' ', '_').lower()}.onnx"
        whole = {"arguments": {}, "weights": "imagenet", "layer": None, "preprocessing": None, **section}
        command = [sys.executable, "-c", EXPORT, json.dumps(whole), f"backbones/{file}"]
        subprocess.run(command, cwd=folder, env=clones.environment(folder), check=True, capture_output=True)
        one = section.get("layer")
        in_file = {"weights": file, "input_size": section["input_size"], "preprocessing": PIXELS}
        found += [section, {**in_file, "layer": None} if one else in_file]
    return found


def contest(photos: str) -> pd.DataFrame:
    """Return the rows of encoders.csv of a set of photos, with the seconds that the contest took."""
    with tempfile.TemporaryDirectory() as place:
        folder = clones.clone(Path(place))
        set_up(folder, photos)
        clones.set_parameters(folder, encoders={"candidates": candidates(folder)})
        clones.run(folder, "snakemake", "--cores", "2", "cross_validation")
        began = time.monotonic()
        clones.run(folder, "snakemake", "--cores", "2", "encoders")
        took = time.monotonic() - began
        made = folder / "data/encoders"
        rows, numbers = pd.read_csv(made / "encoders.csv"), json.loads((made / "encoders.json").read_text())
        costs = json.loads((made / "cost.json").read_text())
    print(photos, numbers["sentence"], f"{took:.0f} s", file=sys.stderr, flush=True)
    of = rows["name"].str.rpartition(",")[0]
    rows["milliseconds"] = [costs[name]["milliseconds_an_image"] for name in of]
    return rows.assign(set=photos, sentence=numbers["sentence"], seconds=round(took))


def table(rows: pd.DataFrame) -> str:
    """Return the table of one set, in Markdown, with a sentence before it."""
    lines = [
        f"**{rows['set'].iloc[0].capitalize()}**, {rows['seconds'].iloc[0]:.0f} s. {rows['sentence'].iloc[0]}",
        "",
        "| encoder | accuracy | gain | features | GMAC | ms a photo | MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        low, high = row["gain.low"], row["gain.high"]
        gain = "the present one" if row["current"] else f"{row['gain.accuracy']:+.1%} ({low:+.1%} to {high:+.1%})"
        cells = (row["name"], f"{row['accuracy']:.1%}", gain, row["features"], f"{row['multiply_adds']:.2f}")
        lines.append(f"| {' | '.join(map(str, cells))} | {row['milliseconds']:.0f} | {row['megabytes']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the sets that are named, or all; put the tables into the page with --report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--report", action="store_true")
    asked = parser.parse_args()
    if asked.report:
        rows = pd.read_csv(RESULT)
        tables = "\n\n".join(table(rows[rows["set"] == each]) for each in SETS if each in set(rows["set"]))
        atomic.write(PAGE, page_tables.put(PAGE.read_text(encoding="utf-8"), BEGIN, END, tables).encode())
        return
    for photos in asked.sets:
        known = [pd.read_csv(RESULT)] if RESULT.is_file() else []
        kept = [each[each["set"] != photos] for each in known]
        pd.concat([*kept, contest(photos)]).to_csv(RESULT, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
