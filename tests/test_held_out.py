"""The test images: nothing but `test` reads their labels or scores them, nothing but `test` and `leaks` the rest.

Every stage is run twice, on what the flow made, and on the same with the labels of all test images wrong, their
pixels gone and their features not a number. Whoever reads one of these cannot give the same bytes.
"""

import dataclasses
import importlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import CLASSES, PROJECT
from huskies import ledger, outputs, receipt
from huskies.images import manifest
from huskies.job import Job
from huskies.planning import stage_list

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

STAGES = stage_list.stages(PROJECT)
READERS_OF_FEATURES = ["leaks", "test"]
# By `final.with_test` alone.
IF_ASKED = ["final"]
# They come before there are test images, decide which these are, or compute their features.
BEFORE = ("convert", "group", "split", "bottlenecks_test")


def spoil_labels(data: Path) -> None:
    """Give every test image another label in every table that has one."""
    for path in (data / "split" / manifest.NAME, data / "bottlenecks_test" / outputs.INDEX):
        rows = manifest.read(path)
        tested = rows["split"] == "test"
        assert tested.any()
        rows.loc[tested, "label"] = [
            CLASSES[(CLASSES.index(file.split("/")[0]) + 1) % len(CLASSES)] for file in rows.loc[tested, "file"]
        ]
        manifest.write(rows, path)


def spoil_pixels(data: Path) -> None:
    for path in (data / "split").glob("*/test_*.jpg"):
        path.unlink()


def spoil_features(data: Path) -> None:
    path = data / "bottlenecks_test" / outputs.FEATURES
    np.save(path, np.full_like(np.load(path), np.nan))


def run_again(stage: str, data: Path, output: Path) -> dict[str, bytes]:
    """Run a stage by the plan of its receipt on the folders below `data`; return the files that it makes."""
    planned = receipt.read(data / stage)["plan"]
    fields = {field.name for field in dataclasses.fields(Job)} & planned.keys()
    given = {name: planned[name] for name in fields} | {"inputs": {name: data / name for name in planned["inputs"]}}
    output.mkdir(parents=True)
    job = Job(**given, raw_digest=None, output=output, previous=None, cores=1)
    importlib.import_module(f"huskies.{stage_list.module_of(stage)}").run(job)
    return {str(path.relative_to(output)): path.read_bytes() for path in sorted(output.rglob("*")) if path.is_file()}


@pytest.fixture
def data(built, tmp_path, monkeypatch) -> Path:
    """The folders of a flow that is built, for a stage to run on again."""
    monkeypatch.chdir(built.folder)
    shutil.copytree("data", tmp_path / "spoilt/data", ignore=shutil.ignore_patterns("digits", "tensorboard", ".*"))
    return tmp_path / "spoilt/data"


def as_built(stage: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(Path("data", stage))): path.read_bytes()
        for path in sorted(Path("data", stage).rglob("*"))
        if path.is_file() and not path.name.startswith("receipt-")
    }


@pytest.mark.parametrize("stage", [name for name in stage_list.tracked(PROJECT) if name not in BEFORE])
def test_no_stage_depends_on_a_label_of_a_test_image_and_only_the_gate_on_pixels_and_features(stage, data, tmp_path):
    spoil_labels(data)
    # The gate compares pixels too, of whatever the features find.
    if stage not in READERS_OF_FEATURES:
        spoil_pixels(data)
        spoil_features(data)
    assert run_again(stage, data, tmp_path / "out" / stage) == as_built(stage)


@pytest.mark.long
def test_the_test_depends_on_labels_and_features(built, data, tmp_path):
    assert built.run("snakemake", "--cores", "2", "test").returncode == 0
    shutil.copytree("data/test", data / "test")
    # The second look is told from the first, and differs in nothing else.
    again, first = run_again("test", data, tmp_path / "out/1"), as_built("test")
    assert again.pop("test.json").replace(b'"looks": 2', b'"looks": 1') == first.pop("test.json")
    assert again == first
    spoil_labels(data)
    assert run_again("test", data, tmp_path / "out/2") != as_built("test")
    spoil_features(data)
    assert run_again("test", data, tmp_path / "out/3")["test.json"] != (tmp_path / "out/2/test.json").read_bytes()
    # Every one of the four was a look.
    assert len(ledger.read()) == 4


def test_the_features_of_test_images_are_listed_by_the_gate_the_test_and_the_final_head_alone():
    listed = [stage for stage, described in STAGES.items() if "bottlenecks_test" in stage_list.upstream(described)]
    assert listed == READERS_OF_FEATURES + IF_ASKED
    named = {
        path.stem for path in (PROJECT / stage_list.PACKAGE).rglob("*.py") if "bottlenecks_test" in path.read_text()
    }
    # Trap 2 has test images of its own, of a flow of the article's. Resources are what the stage asks a machine for,
    # and by the plan it may be made in shards.
    others = {"bottlenecks", "features", "plan", "resources", "row_flows", "sweep_flows", "tuning"}
    assert named == {*READERS_OF_FEATURES, *IF_ASKED, *others}


def test_nothing_reads_what_the_test_says():
    for described in (STAGES | stage_list.controls(PROJECT)).values():
        assert "test" not in stage_list.upstream(described)


def test_bottlenecks_of_test_images_come_without_their_labels(data):
    assert set(manifest.read(data / "bottlenecks_test" / outputs.INDEX)["label"]) == {""}


@pytest.mark.long
def test_label_safety_depends_on_nothing_of_a_test_image(built, data, tmp_path):
    assert built.run("snakemake", "--cores", "2", "label_safety").returncode == 0
    shutil.copytree("data/label_safety", data / "label_safety")
    spoil_labels(data)
    spoil_pixels(data)
    spoil_features(data)
    assert run_again("label_safety", data, tmp_path / "out") == as_built("label_safety")


@pytest.mark.long
def test_the_final_head_depends_on_nothing_of_a_test_image_unless_it_is_told_to(built, data, tmp_path):
    built.set(backbone__engine="openvino", backbone__precision="float32")
    assert built.run("snakemake", "--cores", "2", "final").returncode == 0
    for stage in ("final", *receipt.read(Path("data/final"))["plan"]["inputs"]):
        shutil.rmtree(data / stage, ignore_errors=True)
        shutil.copytree(f"data/{stage}", data / stage)
    spoil_labels(data)
    spoil_pixels(data)
    spoil_features(data)
    assert run_again("final", data, tmp_path / "out") == as_built("final")


@pytest.mark.long
def test_distorted_depends_on_nothing_of_a_test_image(built, data, tmp_path):
    built.set(distort__random_crop=10, distort__steps=6)
    assert built.run("snakemake", "--cores", "2", "distorted").returncode == 0
    shutil.copytree("data/distorted", data / "distorted")
    spoil_labels(data)
    spoil_pixels(data)
    spoil_features(data)
    again, before = run_again("distorted", data, tmp_path / "out"), as_built("distorted")
    # What a step costs is measured anew.
    assert again.keys() == before.keys()
    assert {name for name in again if again[name] != before[name]} <= {"cost.json"}
