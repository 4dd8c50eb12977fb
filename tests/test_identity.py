"""identity: bottlenecks of two engines, precisions or states of the code never meet in one number."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import BACKBONE, bare_job
from huskies.backbone import identity
from huskies.errors import HuskyError


def write(folder: Path, **backbone: Any) -> Path:
    folder.mkdir()
    job = bare_job("bottlenecks_original", folder, libraries={"numpy": "2", "matplotlib": "3"})
    (folder / identity.NAME).write_text(identity.of(job, {**BACKBONE, "precision": "bfloat16", **backbone}))
    return folder


def test_alike_is_let_through(tmp_path):
    folders = [write(tmp_path / name) for name in "abc"]
    assert identity.check(*folders) is None
    assert identity.check(*folders, computed=identity.read(folders[0])) is None


def test_another_engine_is_refused_with_what_differs_and_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = write(Path("a")), write(Path("b")), write(Path("c"), engine="tensorflow", precision="float32")
    with pytest.raises(HuskyError) as error:
        identity.check(*folders)
    assert str(error.value) == (
        "the bottlenecks of a and of c were not computed alike: backbone.engine is openvino and tensorflow, "
        "backbone.precision is bfloat16 and float32. Delete them and run the same command again: rm -rf a b c. Where "
        "machines of several kinds share results, set backbone.engine and backbone.precision in params.yaml to what "
        "all of them have."
    )


def test_what_this_machine_computes_counts_as_well(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder, other = write(Path("a")), write(Path("b"), precision="float32")
    with pytest.raises(HuskyError, match=r"^the bottlenecks of a and of this machine were not computed alike: "):
        identity.check(folder, computed=identity.read(other))


def test_a_missing_identity_is_named(tmp_path):
    with pytest.raises(HuskyError) as error:
        identity.read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/identity.json is missing. Delete {tmp_path} and run the same command again."
    )


def test_libraries_that_shape_no_features_are_no_part_of_it(tmp_path):
    described = json.loads(identity.read(write(tmp_path / "a")))
    assert described["libraries"] == {"numpy": "2"}
    assert described.keys() == {"backbone", "weights", "libraries", "code"}
