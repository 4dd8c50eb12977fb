"""export: the classifier of `final` in the formats of other runtimes, for whoever has nothing of this; on request.

Each file goes from pixels to calibrated probabilities and to the distance that tells what is none of the classes, and
each is asked, by its own runtime, about photos that the classifier itself is asked about.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import ledger, outputs
from huskies.backbone import candidates, int8
from huskies.exports import card, classifier_page, description, file_formats, format_table
from huskies.images import manifest
from huskies.job import Job
from huskies.model import folder, predict
from huskies.model.folder import Model

TABLE = "formats.csv"
# Photos that int8 is calibrated on.
_CALIBRATION = 100


def title_of(job: Job, model: Model) -> str:
    """Return what the classifier is called."""
    given = job.params["card"]
    return given["title"] or f"A classifier of {len(model.labels)} classes"


def card_of(job: Job, model: Model, described: dict[str, Any], left_out: dict[str, str], compared: pd.DataFrame) -> str:
    """Return the text of README.md, the model card; compared: the rows of format_table."""
    final, given, split = model.numbers, job.params["card"], manifest.read(job.inputs["split"] / manifest.NAME)
    asked = manifest.read(job.inputs["cross_validation"] / outputs.PREDICTIONS)
    looks = ledger.read()
    held_back = "" if final["with_test"] else "Test images took no part in anything above."
    return card.render(
        {
            "front_matter": card.front_matter(title_of(job, model), given["licence"], final),
            "title": title_of(job, model),
            "about": card.filled_in(given, "about"),
            "licence": card.filled_in(given, "licence"),
            "final": final,
            "refusal": final["none_of_these"],
            "description": described,
            "side": described["pixels"]["shape"][1],
            "formats": compared.to_dict("records"),
            "left_out": left_out,
            "split": {each: int((split["split"] == each).sum()) for each in ("train", "val", "test")},
            "held_back": held_back,
            "policy": card.policy(job.params["aug"]),
            "confusions": card.confusions(asked, final["head"]),
            "gate": card.gated(json.loads((job.inputs["gate"] / outputs.GATE).read_text())),
            "leaks": card.leaks(final),
            "looks": card.looks(looks[looks["test_set"] == ledger.test_set(split[split["split"] == "test"])]),
            "backbone": final["backbone"]["name"] or final["backbone"]["weights"],
            "backbone_licence": candidates.licence(final["backbone"]),
        }
    )


def write(job: Job, model: Model, directions: np.ndarray, network: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Write all formats and the page; return the description that each carries, and by file why it is left out.

    network: where the network of the page is to be. The rest is as for file_formats.write.
    """
    split = job.inputs["split"]
    calibration = int8.calibration_images(split)[:_CALIBRATION]

    def photos(side: int) -> list[np.ndarray]:
        return [each[None] for each in format_table.pixels_of(calibration, model.backbone, side)]

    written = file_formats.write(model, directions, photos, job.output)
    left_out = {file_formats.FILES[kind]: reason for kind, reason in written.left_out.items()}
    if reason := written.left_out.get("onnx"):
        left_out[classifier_page.NAME] = reason
    else:
        with file_formats.silent():
            classifier_page.network(model, directions, written.description, network)
        page = classifier_page.page(model, written.description, title_of(job, model), network, split)
        (job.output / classifier_page.NAME).write_text(page, encoding="utf-8")
    return written.description, left_out


def run(job: Job) -> str:
    """Fill job.output with the files of file_formats.FILES, classifier.html, the texts on them, and README.md.

    The texts are labels.txt, two_huskies.json, formats.csv and table.txt. Returns the table, with photos a second,
    which no file has, since they are other ones each time.
    """
    made, split = job.inputs["final"], job.inputs["split"]
    model, _ = predict.at_hand(folder.read(made))
    directions = np.load(made / folder.DIRECTIONS, allow_pickle=False)
    with tempfile.TemporaryDirectory() as place:
        network = Path(place, "network.onnx")
        described, left_out = write(job, model, directions, network)
        compared, speeds = format_table.rows(model, described, job.output, split, network, job.cores)
    texts = {
        TABLE: compared.to_csv(index=False, lineterminator="\n"),
        outputs.TABLE: format_table.table(compared, left_out) + "\n",
        description.NAME: description.text(described),
        outputs.LABELS: "".join(f"{each}\n" for each in model.labels),
        card.NAME: card_of(job, model, described, left_out, compared),
    }
    for name, text in texts.items():
        (job.output / name).write_text(text, encoding="utf-8")
    return f"{len(compared)} files\n{format_table.table(compared, left_out, speeds)}"
