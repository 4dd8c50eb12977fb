"""report: one page that leads with the answer and shows what it rests on. Test images are counted, and no more."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from huskies import outputs, receipt
from huskies.backbone.features import load_features, rows_of
from huskies.images import manifest, naming
from huskies.job import Job
from huskies.page import illustrations, label_issues, mistakes, template
from huskies.statistics import verdicts

TEMPLATE = Path(__file__).parent / "report.html"
# Of a table that may have a row for every image; the CSV that it is from has the rest.
MOST_ROWS = 200


def counts(originals: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Return columns label, train, val, test, copies: how many images each class has, sorted by label.

    originals, copies: the manifests of split and augment. The class is that of the folder, since the labels of test
    images are for the stage `test` alone to read.
    """
    labels, of_copies = (
        rows["file"].map(lambda file: naming.label_of(file.split("/")[0])) for rows in (originals, copies)
    )
    found = pd.crosstab(labels, originals["split"]).reindex(columns=list(naming.SPLITS), fill_value=0)
    found["copies"] = of_copies.value_counts().reindex(found.index, fill_value=0)
    return found.rename_axis(index="label", columns=None).reset_index()


def parameters(plans: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return (dotted name, JSON value) of every parameter that the stages were given, sorted by name."""
    sections = [section for plan in plans.values() for section in plan["params"].items()]
    return sorted(
        {
            name: json.dumps(value, ensure_ascii=False)
            for section, values in sections
            for name, value in _flat(values, section)
        }.items()
    )


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
    if not inner:
        yield name, value
    for key, each in inner.items():
        yield from _flat(each, f"{name}.{key}")


def versions(plans: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return (library, version) of all that shaped the bytes of the stages, sorted."""
    return sorted(
        {library: version for plan in plans.values() for library, version in plan["libraries"].items()}.items()
    )


def counts_and_leaks(job: Job) -> dict[str, Any]:
    """Return what the page says of the images that there are, of those that were rejected, and of leaks."""
    originals = manifest.read(job.inputs["split"] / manifest.NAME)
    images = counts(originals, manifest.read(job.inputs["augment"] / manifest.NAME))
    leaking = job.inputs["leaks"] / outputs.LEAKING
    return {
        "counts": images.to_dict("records"),
        "totals": images.drop(columns="label").sum().to_dict(),
        "rejected": manifest.read(job.inputs["convert"] / outputs.REJECTED).to_dict("records"),
        "leaks": _read(job.inputs["leaks"] / outputs.LEAKS),
        "leaking": manifest.read(leaking).to_dict("records") if leaking.is_file() else [],
    }


def provenance_tables(job: Job, provenance: dict[str, str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return (title, name, rows of two texts) of each table that says what the page was made from."""
    plans = _plans(job)
    return [
        ("Parameters", "parameters", parameters(plans)),
        ("Library versions", "versions", versions(plans)),
        ("Receipts of the stages", "receipts", [(name, receipt.plan_hash(plan)) for name, plan in plans.items()]),
        ("Digests of what the numbers come from", "digests", sorted(provenance.items())),
    ]


def pictures(job: Job, missed_images: list[dict[str, Any]], rows: pd.DataFrame, features: np.ndarray) -> dict[str, Any]:
    """Return what the page shows as pictures. rows, features: of train and val, the manifest and the bottlenecks."""
    split, augment = job.inputs["split"], job.inputs["augment"]
    shown = sorted(missed_images, key=lambda image: -image["probability"])[: illustrations.MOST_MISSED]
    files = {image["file"] for image in shown}
    nearest = mistakes.nearest_training(rows, features, sorted(files))
    suspected = label_issues.shown(job.inputs["cross_validation"] / outputs.LABEL_ISSUES)
    duplicates = illustrations.duplicates(rows, manifest.read(job.inputs["group"] / manifest.GROUPS))
    in_duplicates = [image["file"] for group in duplicates[: illustrations.MOST_GROUPS] for image in group["images"]]
    wanted = {*files, *suspected["file"], *in_duplicates}
    with_copies, by_transform = illustrations.galleries(split, augment, rows, _plans(job)["augment"]["params"]["aug"])
    conflicts, near = (manifest.read(job.inputs["group"] / name) for name in (manifest.CONFLICTS, outputs.NEAR))
    return {
        "missed": [image for image in missed_images if image["file"] in files],
        "missed_in_all": len(missed_images),
        "nearest": {file: each.to_dict("records") for file, each in nearest.groupby("file")},
        "copies": illustrations.copies_of(split, augment, rows[rows["file"].isin(nearest["near"])]),
        "suspects": suspected.to_dict("records"),
        "duplicates": duplicates,
        "most_groups": illustrations.MOST_GROUPS,
        "contradictions": label_issues.contradictions(conflicts, near).to_dict("records"),
        "thumbnails": illustrations.thumbnails(split, rows[rows["file"].isin(wanted)]),
        "with_copies": with_copies,
        "by_transform": by_transform,
    }


def run(job: Job) -> str:
    """Fill job.output with report.html and figures/; return a line on it."""
    numbers = _read(job.inputs["metrics"] / outputs.METRICS)
    tables = [manifest.read(job.inputs["metrics"] / name) for name in (outputs.PER_CLASS, outputs.CONFUSION)]
    validations = {head: manifest.read(job.inputs[f"train_{head}"] / outputs.VALIDATION) for head in outputs.HEADS}
    histories = {head: pd.read_csv(job.inputs[f"train_{head}"] / outputs.HISTORY) for head in outputs.HEADS}
    rows = rows_of(job.inputs["split"], "train", "val")
    _, features = load_features(job.inputs["bottlenecks_original"], rows)
    missed_images = mistakes.missed_images(validations)
    files = {image["file"] for image in missed_images}
    figures = illustrations.figures(numbers, histories, *tables, files, (rows, features))
    page = template.page(
        TEMPLATE,
        metrics=numbers,
        number=partial(template.number, numbers),
        heads=outputs.HEADS,
        warning=verdicts.warning(numbers),
        per_class=tables[0].to_dict("records"),
        confusion=tables[1].to_dict("records"),
        tables=provenance_tables(job, numbers["provenance"]),
        figures={name: Markup(figure) for name, figure in figures.items()},
        most_rows=MOST_ROWS,
        most_points=illustrations.MOST_POINTS,
        **counts_and_leaks(job),
        **pictures(job, missed_images, rows, features),
    )
    (job.output / outputs.REPORT).write_text(page, encoding="utf-8")
    (job.output / outputs.FIGURES).mkdir()
    for name, figure in figures.items():
        (job.output / outputs.FIGURES / f"{name}.svg").write_text(figure, encoding="utf-8")
    return f"{job.output.parent / job.stage / outputs.REPORT}, {len(page.encode()) / 1e6:.1f} MB"


def _read(path: Path) -> dict:
    return json.loads(path.read_text())


def _plans(job: Job) -> dict[str, dict[str, Any]]:
    return {name: receipt.read(folder)["plan"] for name, folder in job.inputs.items()}
