"""report: one page that leads with the answer and shows what it rests on. Of test images, it knows how many there are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from huskies import leaks, ledger, manifest, metrics, naming, receipt, render
from huskies.job import Job

NAME = "report.html"
FIGURES = "figures"
REJECTED = "rejected.csv"


def counts(originals: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Return columns label, train, val, test, copies: how many images each class has, sorted by label.

    originals, copies: the manifests of split and augment. The class is that of the folder, since the labels of test
    images are for the stage `test` alone to read.
    """
    label = originals["file"].map(lambda file: naming.label_of(file.split("/")[0]))
    found = pd.crosstab(label, originals["split"]).reindex(columns=list(naming.SPLITS), fill_value=0)
    found["copies"] = copies["label"].value_counts().reindex(found.index, fill_value=0)
    return found.rename_axis(index="label", columns=None).reset_index()


def parameters(plans: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return (dotted name, JSON value) of every parameter that the stages were given, sorted by name."""
    given: dict[str, str] = {}
    for plan in plans.values():
        given |= {name: json.dumps(value, ensure_ascii=False) for name, value in _flat(plan["params"], "")}
    return sorted(given.items())


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inner:
        yield name, value
    for key, each in inner:
        yield from _flat(each, f"{name}.{key}".strip("."))


def versions(plans: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return (library, version) of all that shaped the bytes of the stages, sorted."""
    return sorted({library: version for plan in plans.values() for library, version in plan["libraries"].items()}.items())


def run(job: Job) -> str:
    """Fill job.output with report.html and figures/; return a line on it."""
    numbers = _read(job.inputs["metrics"] / metrics.NAME)
    found = _read(job.inputs["leaks"] / leaks.NAME)
    originals = manifest.read(job.inputs["split"] / manifest.NAME)
    images = counts(originals, manifest.read(job.inputs["augment"] / manifest.NAME))
    leaking = job.inputs["leaks"] / leaks.TABLE
    plans = {name: receipt.read(folder)["plan"] for name, folder in job.inputs.items()}
    receipts = [(name, receipt.plan_hash(plan)) for name, plan in plans.items()]
    page = render.page(
        metrics=numbers,
        heads=metrics.HEADS,
        warning=metrics.warning(numbers),
        counts=images.to_dict("records"),
        totals=images.drop(columns="label").sum().to_dict(),
        rejected=manifest.read(job.inputs["convert"] / REJECTED).to_dict("records"),
        per_class=_numbers(job.inputs["metrics"] / metrics.PER_CLASS),
        confusion=_numbers(job.inputs["metrics"] / metrics.CONFUSION),
        leaks=found,
        leaking=manifest.read(leaking).to_dict("records") if leaking.is_file() else [],
        looks=ledger.read().to_dict("records"),
        tables=[
            ("Parameters", "parameters", parameters(plans)),
            ("Library versions", "versions", versions(plans)),
            ("Receipts of the stages", "receipts", receipts),
            ("Digests that metrics.json has", "digests", sorted(numbers["provenance"].items())),
        ],
        missed=[],
        guesses=[],
        figures={},
    )
    (job.output / NAME).write_text(page, encoding="utf-8")
    return f"{job.output.parent / job.stage / NAME}, {len(page.encode()) / 1e6:.1f} MB"


def _read(path: Path) -> dict:
    return json.loads(path.read_text())


def _numbers(path: Path) -> list[dict]:
    """Return the rows of a CSV with its names as text and its numbers as they stand there."""
    return manifest.read(path).to_dict("records")
