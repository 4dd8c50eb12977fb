"""encoders: several backbones on the same folds of the user's own photos, with both scalings, only on request.

Each is asked every image that is not a test image, out of its fold, as cross_validation asks the present one. What
they compute is kept in the store, so that the flow has it where one of them becomes its backbone. How
long an image took is a measurement: cost.json, and the page that shows it, are not the same in another run.
"""

import itertools
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from huskies import outputs, progress
from huskies.backbone import candidates, cost, inference, tensorflow_setup
from huskies.images import folds
from huskies.job import Job
from huskies.page import encoder_chart, template
from huskies.statistics import contest, verdicts
from huskies.training import everything, out_of_fold
from huskies.training.everything import Everything

NAME = outputs.ENCODERS
ANSWERS = "answers.csv"
PAGE = "encoders.html"
CHART = "encoders.svg"
TEMPLATE = Path(__file__).parent / "encoders.html"
SCALINGS = ("discriminants", "standardise")

_COPIES = "copies"
# Images by which the time of one is taken.
_TIMED = 64


@dataclass(frozen=True)
class Encoder:
    """A backbone in the contest: its name, its section of params.yaml, and the same as this machine settles it.

    number: 0 for the present one, and its place among the candidates for any other.
    """

    number: int
    name: str
    section: dict[str, Any]
    settled: dict[str, Any]


def encoders(job: Job) -> list[Encoder]:
    """Return the present backbone and the candidates."""
    asked = job.params["encoders"]
    sections = [job.params["backbone"], *asked["candidates"]]
    tensorflow_setup.load_tensorflow()
    settled = [inference.settle(each, job.inputs["split"]) for each in sections]
    return [Encoder(*each) for each in zip(itertools.count(), candidates.named(sections), sections, settled)]


def seconds(encoder: Encoder, files: list[tuple[Path, str]], cores: int) -> float:
    """Return the seconds that an image takes, decoding and all, once the backbone is loaded."""
    chosen = list(itertools.islice(itertools.cycle(files), _TIMED * 2))
    began, known, positions = 0.0, 0, range(0)
    for positions, _ in inference.compute(encoder.settled, chosen, cores):
        if not began and positions.stop >= _TIMED:
            began, known = time.perf_counter(), positions.stop
    return (time.perf_counter() - began) / max(1, positions.stop - known)


def ask(job: Job, seen: Everything, fold_of: np.ndarray, scaling: str) -> dict[str, np.ndarray]:
    """Return whether each head was right, bool, repeats × images, by head."""
    parameters = {**job.params["train"], "scaling": scaling, "widths": seen.widths}
    rows = seen.features, seen.labels, seen.source
    found = out_of_fold.predict(*rows, fold_of, parameters, job.cores, job.stage)
    right = [probabilities.argmax(axis=1) == seen.labels for probabilities, _ in found]
    return {head: np.stack(right[number :: len(outputs.HEADS)]) for number, head in enumerate(outputs.HEADS)}


def compete(job: Job) -> Iterator[tuple[Encoder, str, dict[str, np.ndarray], Everything, float]]:
    """Yield each encoder with each scaling: what `ask` returns of its heads, its features, and seconds an image."""
    folder, split = job.output / _COPIES, job.inputs["split"]
    rows = everything.with_copies(job, folder, job.params["aug"], job.params["convert"]["quality"], job.inputs)
    folders, parameters = (split, job.inputs["augment"], folder), job.params["cross_validation"]
    seed, repeats = job.params["split"]["seed"], range(parameters["repeats"])
    fold_of = np.stack([folds.assign(rows[0], parameters["folds"], repeat, seed) for repeat in repeats])
    files = [(split / row.file, row.sha256) for row in rows[0].itertuples()]
    for encoder in encoders(job):
        progress.say(f"{job.stage}: {encoder.name}")
        features = job.output / "features"
        features.mkdir()
        seen = everything.seen_by(job, encoder.settled, folders, rows, features)
        took = seconds(encoder, files, job.cores)
        for scaling in SCALINGS:
            yield encoder, scaling, ask(job, seen, fold_of, scaling), seen, took
        shutil.rmtree(features)
    shutil.rmtree(folder)


def run(job: Job) -> str:
    """Fill job.output with encoders.json and .csv, table.txt, the page and its chart, answers.csv and cost.json."""
    aug, train = job.params["aug"], job.params["train"]
    head = outputs.HEADS[1 if aug["factor"] else 0]
    entrants, right, costs, asked = [], [], {}, None
    for encoder, scaling, of_heads, seen, took in compete(job):
        name = f"{encoder.name}, {scaling}"
        entrants.append(
            {
                "name": name,
                "candidate": encoder.number,
                "scaling": scaling,
                "backbone": encoder.section,
                "features": sum(seen.widths) if seen.widths else int(seen.features[0].shape[1]),
                "licence": candidates.licence(encoder.section),
                **cost.of(encoder.settled),
                **{each: round(float(answers.mean()), 6) for each, answers in of_heads.items()},
            }
        )
        right.append(of_heads[head])
        costs[encoder.name] = {"milliseconds_an_image": round(1000 * took, 2)}
        asked = seen
    current = SCALINGS.index(train["scaling"]) if train["scaling"] in SCALINGS else 0
    numbers = contest.summarise(np.stack(right), entrants, asked.images, current)
    leaks = json.loads((job.inputs["cross_validation"] / outputs.CROSS_VALIDATION).read_text())["leaks"]
    numbers = {"head": head, **numbers, "leaks": leaks}
    numbers["sentence"] = verdicts.warned(numbers, numbers["sentence"])
    write(job, numbers, costs)
    answers(asked.images, entrants, right).to_csv(job.output / ANSWERS, index=False, lineterminator="\n")
    return f"\n{contest.table(numbers)}{advice(numbers)}\n{job.output.parent / job.stage / PAGE}"


def answers(images: pd.DataFrame, entrants: list[dict[str, Any]], right: list[np.ndarray]) -> pd.DataFrame:
    """Return file, label, group, and for each entrant in how many of the repeats it was right on the image."""
    columns = {entrant["name"]: each.sum(axis=0) for entrant, each in zip(entrants, right, strict=True)}
    return images[["file", "label", "group"]].reset_index(drop=True).assign(**columns)


def advice(numbers: dict[str, Any]) -> str:
    """Return what to do where another encoder is the choice."""
    row = next(row for row in numbers["entrants"] if row["name"] == numbers["chosen"])
    if row["current"]:
        return "The present one stays."
    return f"To make {row['name']} the backbone of the flow: python -m huskies encoder"


def write(job: Job, numbers: dict[str, Any], costs: dict[str, Any]) -> None:
    """Write all but the answers."""
    chart = encoder_chart.draw(numbers)
    whole = {**numbers, "provenance": job.provenance}
    (job.output / NAME).write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (job.output / outputs.COST).write_text(json.dumps(costs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (job.output / outputs.TABLE).write_text(contest.table(numbers), encoding="utf-8")
    (job.output / CHART).write_text(chart, encoding="utf-8")
    rows = pd.json_normalize([{key: row[key] for key in row if key != "backbone"} for row in numbers["entrants"]])
    rows.to_csv(job.output / "encoders.csv", index=False, lineterminator="\n")
    page = template.page(
        TEMPLATE,
        numbers=numbers,
        costs=costs,
        warning=verdicts.warning(numbers),
        chart=Markup(chart),
        alt=encoder_chart.CAPTION,
        advice=advice(numbers),
    )
    (job.output / PAGE).write_text(page, encoding="utf-8")
