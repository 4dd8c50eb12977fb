"""export: files for other runtimes that say what `predict` says, in environments of their own, and a card."""

import json

import pandas as pd
import pytest
from conftest import USES_KERAS, Clone, bare_job, do, in_own_cache
from finals import made
from huskies import outputs
from huskies.exports import file_formats
from huskies.job import Job
from huskies.steps import export, gate
from ruamel.yaml import YAML

pytestmark = [*USES_KERAS, pytest.mark.long, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")]

GATE = {"accuracy": 0.0, "per_class": 0.0, "action": "fail"}
CARD = {"title": "Cats and dogs", "about": None, "licence": "cc0-1.0"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Job, str]:
    """A job that has exported the classifier of fourteen images, and what it said."""
    place = tmp_path_factory.mktemp("exported")
    with in_own_cache(place):
        handed_over, _ = made(place)
        for name in ("gate", "export"):
            (place / name).mkdir()
        above = {"final": handed_over.output}
        gate.run(bare_job("gate", place / "gate", params={"gate": GATE}, inputs=above))
        above |= {name: place / name for name in ("split", "cross_validation", "gate")}
        params = {"card": CARD, "aug": handed_over.params["aug"]}
        job = bare_job("export", place / "export", params=params, inputs=above)
        return job, export.run(job)


def test_all_formats_lie_there_with_what_they_say_of_themselves(exported):
    job, said = exported
    texts = ["labels.txt", "two_huskies.json", "formats.csv", "table.txt", "README.md"]
    written = [*file_formats.FILES.values(), "model.bin", "classifier.html", *texts]
    assert sorted(path.name for path in job.output.iterdir()) == sorted(written)
    assert (job.output / "labels.txt").read_text() == "cat\ndog\n"
    description = json.loads((job.output / "two_huskies.json").read_text())
    assert description["labels"] == ["cat", "dog"]
    assert description["pixels"]["shape"] == ["photos", 32, 32, 3]
    assert said.startswith("7 files\n")


def test_each_file_was_asked_and_agrees_with_the_classifier(exported):
    job, _ = exported
    found = pd.read_csv(job.output / "formats.csv").set_index("file")
    assert list(found.index) == [*file_formats.FILES.values(), "classifier.html"]
    assert (found["photos"] == 13).all()
    in_float = found.drop("model_int8.tflite")
    assert (in_float["same_label"] == 1).all()
    assert (in_float["same_none_of_these"] == 1).all()
    assert (in_float["largest_difference"] < 0.01).all()
    assert (found["megabytes"] > 1).all()


def test_speeds_are_told_and_not_kept(exported):
    job, said = exported
    assert "photos a second" in said
    for name in ("table.txt", "formats.csv", "README.md"):
        assert "a second" not in (job.output / name).read_text()


def test_the_card_is_what_a_hub_reads(exported):
    job, _ = exported
    text = (job.output / "README.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    assert YAML(typ="safe").load(front)["license"] == "cc0-1.0"
    final = json.loads((job.inputs["final"] / outputs.FINAL).read_text())
    assert body.startswith("\n# Cats and dogs\n")
    for each in (
        final["sentence"],
        "*Not filled in: card.about in params.yaml.*",
        "- Data: cc0-1.0\n",
        "- Backbone (MobileNet): research, as Tiny ImageNet\n",
        "13 photos of 2 classes were trained on",
        "It had to pass no gate.",
        "Nobody has looked at the test images.",
        "| `model_int8.tflite` | ",
    ):
        assert each in body


def test_what_does_not_pass_the_gate_is_not_exported_unless_the_gate_warns(built: Clone):
    built.set(gate__accuracy=1.0)
    done = built.run("snakemake", "--cores", "2", "export")
    assert done.returncode
    assert "does not pass the gate" in done.stdout + done.stderr
    assert not (built.folder / "data/export").exists()
    built.set(gate__action="warn")
    assert "WARNING: " in do(built, "snakemake", "--cores", "2", "export")
    assert "**It does not pass its gate**" in (built.folder / "data/export/README.md").read_text(encoding="utf-8")
