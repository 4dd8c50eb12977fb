"""export: files for other runtimes that say what `predict` says, in environments of their own, and a card."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, USES_KERAS, Clone, bare_job, do, in_own_cache, stages_run
from finals import made
from huskies import ledger, outputs
from huskies.exports import ask, file_formats, format_table
from huskies.images import codec
from huskies.job import Job
from huskies.planning import stage_list
from huskies.steps import export, gate
from ruamel.yaml import YAML

pytestmark = [*USES_KERAS, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")]

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


# A runtime, and the formats that it reads.
ENVIRONMENTS = {
    "tensorflow": ["keras", "saved_model"],
    "onnxruntime": ["onnx"],
    "ai-edge-litert": ["litert", "litert_int8"],
    "openvino": ["openvino"],
}


def environment(folder: Path, runtime: str) -> Path:
    """Return Python in a new environment that has this runtime, as it is pinned, and what it brings along."""
    pins = YAML(typ="safe").load(PROJECT / stage_list.PINS)
    wanted = [f"{name}=={pins[name]}" for name in (runtime, "numpy", *(["keras"] if runtime == "tensorflow" else []))]
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "bin/python"


@pytest.mark.long
def test_a_fresh_environment_with_a_runtime_alone_says_what_predict_says_of_raw_photos(built: Clone, tmp_path):
    said = do(built, "snakemake", "--cores", "2", "export")
    assert stages_run(said)[-1] == "export"
    data, first = built.folder / "data", built.bytes_of("export")
    rows = csv.DictReader(do(built, "huskies", "predict", "data/final", "data/digits", "--format", "csv").splitlines())
    predicted = {row["file"]: row for row in rows}
    photos = sorted(predicted)[::3]
    files = [data / "convert" / Path(each).relative_to("data/digits").with_suffix(".jpg") for each in photos]
    description = json.loads((data / "export/two_huskies.json").read_text())
    backbone = json.loads((data / "final/final.json").read_text())["backbone"]
    jpegs = [(path, codec.sha256(path.read_bytes())) for path in files]
    np.save(tmp_path / "pixels.npy", format_table.pixels_of(jpegs, backbone, description["pixels"]["shape"][1]))
    for runtime, kinds in ENVIRONMENTS.items():
        python = environment(tmp_path / runtime, runtime)
        for kind in kinds:
            given = [
                kind,
                data / "export" / file_formats.FILES[kind],
                tmp_path / "pixels.npy",
                tmp_path / "answers.npz",
            ]
            done = subprocess.run([python, "-I", ask.__file__, *given], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            with np.load(tmp_path / "answers.npz") as answers:
                sure, distance = answers["probabilities"], answers["distance"]
            for number, photo in enumerate(photos):
                row = predicted[photo]
                if kind == "litert_int8":
                    continue
                assert description["labels"][sure[number].argmax()] == row["label"], (kind, photo)
                assert sure[number].max() == pytest.approx(float(row["probability"]), abs=0.02)
                assert (distance[number] <= description["threshold"]) == (row["accepted"] == "true"), (kind, photo)
    # In another process.
    for path in (data / "export").glob("receipt-*"):
        path.unlink()
    do(built, "snakemake", "--cores", "1", "export")
    assert built.bytes_of("export") == first
    assert ledger.read(built.folder / ledger.PATH).empty


@pytest.mark.long
def test_what_does_not_pass_the_gate_is_not_exported_unless_the_gate_warns(built: Clone):
    built.set(gate__accuracy=1.0)
    done = built.run("snakemake", "--cores", "2", "export")
    assert done.returncode
    assert "does not pass the gate" in done.stdout + done.stderr
    assert not (built.folder / "data/export").exists()
    built.set(gate__action="warn")
    assert "WARNING: " in do(built, "snakemake", "--cores", "2", "export")
    assert "**It does not pass its gate**" in (built.folder / "data/export/README.md").read_text(encoding="utf-8")
