"""The noise control over many seeds: is the honest flow at chance, and how far above it is the leaky one?

Run in the project's folder: `.venv/bin/python benchmarks/noise.py`. It works in a temporary clone, takes about a minute
a seed, and writes benchmarks/noise.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from clones import PROJECT
from scipy import stats

RESULT = PROJECT / "benchmarks/noise.md"
FLOWS = {"honest": "data/noise/metrics/metrics.json", "leaky": "data/leakage/noise/metrics/metrics.json"}
CHANCE = 0.25


def measure(clone: Path, seed: int) -> dict[str, dict]:
    """Return the metrics of the honest and of the leaky flow on the noise of a seed."""
    command = ["snakemake", "--cores", "all", "noise", "leakage", "--config", f"noise={{seed: {seed}}}"]
    subprocess.run(command, cwd=clone, check=True, capture_output=True)
    return {name: json.loads((clone / path).read_text()) for name, path in FLOWS.items()}


def band(images: int) -> tuple[float, float]:
    """Return the accuracies between which guessing lies in 99 of 100 cases."""
    low, high = stats.binom.interval(0.99, images, CHANCE)
    return low / images, high / images


def report(measured: dict[int, dict[str, dict]]) -> str:
    """Return the result as Markdown."""
    lines = [
        "# Noise over seeds",
        "",
        "400 images of noise in four classes, `snakemake noise leakage`, by `benchmarks/noise.py`.",
        "Guessing is right in 25 %; the band is where guessing lies in 99 of 100 cases. Honest: the head on originals",
        "alone, and the head with augmentation. Leaky: augmented first, split afterwards.",
        "",
        "| seed | training | honest, originals | honest, augmented | images, 99 % band | leaky | images, 99 % band |",
        "|---|---|---|---|---|---|---|",
    ]
    outside = 0
    for seed, flows in measured.items():
        honest, leaky = flows["honest"], flows["leaky"]["baseline"]
        images = honest["baseline"]["val_images"]
        low, high = band(images)
        pair = [honest[name]["val_accuracy"] for name in ("baseline", "augmented")]
        outside += sum(not low <= each <= high for each in pair)
        leaky_low, leaky_high = band(leaky["val_images"])
        lines.append(
            f"| {seed} | {honest['baseline']['train_accuracy']:.1%} | {pair[0]:.1%} | {pair[1]:.1%} | "
            f"{images}, {low:.1%} to {high:.1%} | {leaky['val_accuracy']:.1%} | "
            f"{leaky['val_images']}, {leaky_low:.1%} to {leaky_high:.1%} |"
        )
    for name, head in (("honest", "baseline"), ("honest", "augmented"), ("leaky", "baseline")):
        heads = [flows[name][head] for flows in measured.values()]
        images = sum(each["val_images"] for each in heads)
        right = sum(round(each["val_accuracy"] * each["val_images"]) for each in heads)
        low, high = band(images)
        what = f"{name}, {'originals' if head == 'baseline' else 'augmented'}" if name == "honest" else name
        lines += [
            "",
            f"Together, {what}: {right / images:.1%} of {images} images; the band of so many: {low:.1%} to {high:.1%}.",
        ]
    lines += ["", f"{outside} of the {2 * len(measured)} honest numbers lie outside their band.", ""]
    return "\n".join(lines)


def main() -> None:
    """Measure all seeds and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", PROJECT, clone], check=True)
        measured = {}
        for seed in range(1, seeds + 1):
            measured[seed] = measure(clone, seed)
            accuracies = [measured[seed]["honest"][name]["val_accuracy"] for name in ("baseline", "augmented")]
            print(seed, *accuracies, measured[seed]["leaky"]["baseline"]["val_accuracy"], file=sys.stderr, flush=True)
    RESULT.write_text(report(measured), encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
