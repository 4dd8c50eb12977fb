"""kept: what is known of bottlenecks is not computed again, whether the store, the last output or DVC has it."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bottleneck_inputs import (
    change_a_number,
    finished,
    forget,
    identity_of,
    make_job,
    picture,
    plain_keras,
    some_images,
    write_images,
)
from conftest import PROJECT, USES_KERAS, bare_job
from huskies import cache_file, imports, outputs, receipt, stage_folder
from huskies.backbone import identity, inference, kept
from huskies.backbone.features import images_of
from huskies.backbone.store import Store
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.steps import bottlenecks

pytestmark = [*USES_KERAS, pytest.mark.usefixtures("weights_here")]


def swap_two_rows(folder: Path) -> None:
    path = folder / outputs.INDEX
    header, one, other, *rest = path.read_text().splitlines()
    path.write_text("\n".join([header, other, one, *rest]) + "\n")


@pytest.mark.parametrize(
    "harm",
    [
        change_a_number,
        swap_two_rows,
        lambda folder: (folder / outputs.FEATURES).unlink(),
        lambda folder: (folder / identity.NAME).unlink(),
        lambda folder: [path.unlink() for path in folder.glob("receipt-*.json")],
    ],
    ids=["another number", "rows swapped", "no features", "no identity", "no receipt"],
)
def test_nothing_is_taken_from_a_damaged_output(tmp_path, harm):
    job = make_job(write_images(tmp_path / "split", some_images(3)))
    _, rows = images_of(job.stage, job.inputs)
    np.save(job.output / outputs.FEATURES, np.arange(12, dtype=np.float32).reshape(3, 4))
    rows.to_csv(job.output / outputs.INDEX, index=False)
    described = identity_of(job)
    (job.output / identity.NAME).write_text(described)
    finished(job)
    taken = kept.previous_rows(job.output, described)
    assert {sha256: row.tolist() for sha256, row in taken.items()} == {
        sha256: [4 * number, 4 * number + 1, 4 * number + 2, 4 * number + 3]
        for number, sha256 in enumerate(rows["sha256"])
    }
    assert kept.previous_rows(job.output, described.replace("float32", "bfloat16")) == {}
    harm(job.output)
    assert kept.previous_rows(job.output, described) == {}


def test_rows_come_in_any_order_and_lie_as_numpy_would_save_them(tmp_path):
    features = np.random.default_rng(0).random((5, 7), np.float32)
    features[4] = features[1]
    of_images = pd.Series(["d", "b", "a", "c", "b"])
    with open(tmp_path / "table.npy", "wb") as file:
        table = kept._Table(file, of_images)
        table.take((name, features[list(of_images).index(name)]) for name in "ab")
        assert table.filled.tolist() == [False, True, True, False, True]
        table.take((name, features[list(of_images).index(name)]) for name in "cd")
        table.end()
    np.save(tmp_path / "saved.npy", features)
    assert (tmp_path / "table.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


STAGE = "bottlenecks_original"
FOLDER = Path("data", STAGE)
BUILDING = f"data/.{STAGE}-0123456789abcdef"


def dvc(*arguments: str, folder: Path = Path()) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments, "--quiet"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def record_output(job: Job) -> None:
    """Finish the output of a job, put it in its place, have DVC record it, and remove it as DVC does."""
    finished(job).rename(FOLDER)
    Path("dvc.yaml").write_text(f"stages:\n  {STAGE}:\n    cmd: 'true'\n    outs: [{FOLDER}]\n")
    dvc("commit", "--force", STAGE)
    shutil.rmtree(FOLDER)


@pytest.fixture(scope="module")
def recorded_once(tmp_path_factory) -> Path:
    """A DVC repository whose dvc.lock records the bottlenecks of three images, their folder removed, and a remote."""
    folder = tmp_path_factory.mktemp("recorded") / "workspace"
    (folder / "backbones").mkdir(parents=True)
    shutil.copy(PROJECT / "backbones/mini.weights.h5", folder / "backbones")
    (folder / "data").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
        subprocess.run(["git", "init", "--quiet"], check=True)
        dvc("init")
        job = make_job(write_images(folder / "data/split", some_images(3)), BUILDING)
        assert bottlenecks.run(job) == "computed 3, reused 0 bottlenecks of 512 features"
        record_output(job)
        dvc("remote", "add", "--default", "store", "../store")
        dvc("push")
    return folder


@pytest.fixture(scope="module")
def pictured(recorded_once) -> dict[str, np.ndarray]:
    """Return what Keras makes of the first pictures, by their sha256."""
    files = some_images(8)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(recorded_once)
        return dict(zip(map(codec.sha256, files.values()), plain_keras(files), strict=True))


@pytest.fixture
def recorded(recorded_once, pictured, tmp_path, monkeypatch) -> Path:
    """A copy of that repository, to be changed, with a store of bottlenecks that is empty.

    What has to be computed is looked up, since building the backbone takes a second in each of these tests.
    """

    def compute(parameters, files, cores, split):
        yield list(range(len(files))), np.array([pictured[sha256] for _, sha256 in files], np.float32)

    monkeypatch.setattr(inference, "compute", compute)
    shutil.copytree(recorded_once.parent, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy/workspace")
    return tmp_path / "copy/workspace"


def job_of(count: int, **more: Any) -> Job:
    """Return a job of the stage for so many images, of which three are those that were recorded."""
    return make_job(write_images(Path("data/split"), some_images(count)), BUILDING, **more)


def said_by(job: Job, capsys: pytest.CaptureFixture) -> tuple[str, str]:
    """Return (the line of the stage, what it writes to stderr); fail if it leaves anything beside its output."""
    beside = sorted(path.name for path in Path("data").iterdir())
    capsys.readouterr()
    summary = bottlenecks.run(job)
    assert sorted(path.name for path in Path("data").iterdir()) == beside
    assert sorted(path.name for path in job.output.iterdir()) == ["features.npy", "identity.json", "index.csv"]
    return summary, capsys.readouterr().err


def right(job: Job, pictured: dict[str, np.ndarray]) -> bool:
    """Tell whether every row is what Keras makes of its image, whether it was taken over or computed."""
    index = manifest.read(job.output / outputs.INDEX)
    expected = np.array([pictured[sha256] for sha256 in index["sha256"]])
    return np.allclose(np.load(job.output / outputs.FEATURES), expected, atol=1e-5)


def cache_files() -> list[Path]:
    return [path for path in Path(".dvc/cache/files").rglob("*") if path.is_file()]


def test_what_dvc_recorded_and_removed_is_not_computed_again(recorded, capsys):
    job = job_of(3)
    assert said_by(job, capsys) == ("computed 0, reused 3 bottlenecks of 512 features", "")
    dvc("checkout")
    for name in ("features.npy", "index.csv", "identity.json"):
        assert (job.output / name).read_bytes() == (FOLDER / name).read_bytes()


def test_only_what_was_not_recorded_is_computed(recorded, pictured, capsys):
    job = job_of(5)
    assert said_by(job, capsys) == ("computed 2, reused 3 bottlenecks of 512 features", "")
    assert right(job, pictured)


def test_a_row_is_taken_over_by_content_and_not_by_name(recorded, pictured, capsys):
    job = make_job(
        write_images(Path("data/split"), {"cat/train_000.jpg": picture(7), "dog/val_x.jpg": picture(0)}), BUILDING
    )
    assert said_by(job, capsys) == ("computed 1, reused 1 bottlenecks of 512 features", "")
    assert right(job, pictured)


def test_what_was_taken_over_is_in_the_store_from_then_on(recorded, capsys):
    bottlenecks.run(job_of(3))
    Path("dvc.lock").unlink()
    shutil.rmtree(BUILDING)
    assert said_by(job_of(3), capsys) == ("computed 0, reused 3 bottlenecks of 512 features", "")


@pytest.mark.parametrize("change", [{"layer": "conv_pw_6_relu"}, {"input_size": 64}])
def test_what_was_recorded_of_another_backbone_is_not_taken(recorded, capsys, change):
    summary, said = said_by(job_of(3, **change), capsys)
    assert summary.startswith("computed 3, reused 0 ")
    assert said == ""


def test_what_was_recorded_with_other_code_is_not_taken(recorded, capsys, monkeypatch):
    job, used = job_of(3), imports.Package().code("backbone.inference")
    monkeypatch.setattr(imports.Package, "code", lambda package, root: {**used, "images.codec": "another"})
    assert said_by(job, capsys) == ("computed 3, reused 0 bottlenecks of 512 features", "")


@pytest.mark.parametrize("name", ["features.npy", "index.csv", "identity.json", "receipt"])
def test_what_was_recorded_and_has_since_been_damaged_in_the_cache_is_not_taken(recorded, capsys, name):
    [entry] = [path for path in cache_files() if path.name.endswith(".dir")]
    [md5] = [each["md5"] for each in json.loads(entry.read_text()) if each["relpath"].startswith(name)]
    path = Path(".dvc/cache/files/md5", md5[:2], md5[2:])
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    summary, _ = said_by(job_of(3), capsys)
    assert summary == "computed 3, reused 0 bottlenecks of 512 features"


def test_what_was_recorded_without_being_as_its_receipt_says_is_not_taken(recorded, capsys):
    dvc("checkout")
    change_a_number(FOLDER)
    dvc("commit", "--force", STAGE)
    shutil.rmtree(FOLDER)
    assert said_by(job_of(3), capsys) == ("computed 3, reused 0 bottlenecks of 512 features", "")


def test_what_is_not_in_the_cache_comes_from_the_remote(recorded, capsys):
    shutil.rmtree(".dvc/cache")
    assert said_by(job_of(4), capsys) == ("computed 1, reused 3 bottlenecks of 512 features", "")


def test_a_fresh_clone_takes_over_what_its_remote_has(recorded, tmp_path, capsys, monkeypatch):
    clone = tmp_path / "copy/clone"
    shutil.copytree(recorded, clone, ignore=shutil.ignore_patterns("cache", "tmp", "data"))
    (clone / "data").mkdir()
    monkeypatch.chdir(clone)
    assert said_by(job_of(4), capsys) == ("computed 1, reused 3 bottlenecks of 512 features", "")


@pytest.mark.parametrize(
    "change",
    [
        lambda: Path("dvc.lock").unlink(),
        lambda: Path("dvc.lock").write_text("schema: '2.0'\nstages: {}\n"),
        lambda: shutil.rmtree(".dvc"),
    ],
    ids=["no dvc.lock", "a dvc.lock without the stage", "a dvc.lock without DVC"],
)
def test_where_nothing_is_recorded_nothing_is_said(recorded, capsys, change):
    change()
    assert said_by(job_of(3), capsys) == ("computed 3, reused 0 bottlenecks of 512 features", "")


def nowhere() -> None:
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("../store")


def no_remote() -> None:
    shutil.rmtree(".dvc/cache")
    dvc("remote", "remove", "store")


def refusing() -> None:
    shutil.rmtree(".dvc/cache")
    dvc("remote", "modify", "store", "url", "http://127.0.0.1:9/store")


def unknown_kind() -> None:
    shutil.rmtree(".dvc/cache")
    # One that the tests of sharing do not install.
    dvc("remote", "modify", "store", "url", "gs://bucket/store")


@pytest.mark.parametrize(
    "harm",
    [
        nowhere,
        no_remote,
        refusing,
        unknown_kind,
        lambda: Path("dvc.lock").write_text("schema: ["),
        lambda: Path("dvc.yaml").write_text("stages: 1\n"),
    ],
    ids=[
        "no folder for the remote",
        "no remote",
        "a server that refuses",
        "a remote without its plug-in",
        "no sound dvc.lock",
        "no sound dvc.yaml",
    ],
)
def test_what_cannot_be_had_is_said_in_one_line_and_computed(recorded, capsys, harm):
    harm()
    summary, said = said_by(job_of(3), capsys)
    assert summary == "computed 3, reused 0 bottlenecks of 512 features"
    assert said.startswith(f"{STAGE}: nothing taken over from DVC: ")
    assert len(said.splitlines()) == 1
    assert len(said.strip()) > len(f"{STAGE}: nothing taken over from DVC: ")


def test_dvc_is_not_asked_for_what_is_known(recorded, capsys, monkeypatch):
    bottlenecks.run(job_of(3))
    shutil.rmtree(BUILDING)
    monkeypatch.setattr(kept, "recorded_rows", lambda *_: pytest.fail("DVC was asked"))
    assert said_by(job_of(3), capsys) == ("computed 0, reused 3 bottlenecks of 512 features", "")
    forget()
    first = Path(BUILDING).rename("data/first")
    receipt.write(first, {"stage": STAGE})
    job = replace(job_of(3), previous=first)
    assert said_by(job, capsys) == ("computed 0, reused 3 bottlenecks of 512 features", "")


def test_a_stage_whose_output_has_no_bottlenecks_asks_neither_its_last_output_nor_dvc(recorded, monkeypatch):
    for place in ("previous_rows", "recorded_rows"):
        monkeypatch.setattr(kept, place, lambda *_: pytest.fail("an earlier output was asked"))
    job = replace(job_of(3), previous=Path("data/split"))
    (job.output / "copies").mkdir()
    rows = manifest.read(Path("data/split") / manifest.NAME)
    with Store(cache_file.cache_folder()) as store:
        output = job.output / "copies/features.npy"
        features, computed = kept.fill(job, store, Path("data/split"), rows, job.params["backbone"], output)
    assert (len(features), computed) == (3, 3)


def test_no_images_ask_nobody(recorded, monkeypatch):
    monkeypatch.setattr(kept, "recorded_rows", lambda *_: pytest.fail("DVC was asked"))
    assert bottlenecks.run(job_of(0)) == "computed 0, reused 0 bottlenecks of 0 features"


def test_store_last_output_and_dvc_each_give_what_the_one_before_did_not_have(recorded, pictured, capsys):
    # The store knows image 3, the last output 4, and DVC 0 to 2; nobody knows 5.
    bottlenecks.run(make_job(write_images(Path("data/split"), some_images(1, 4)), "data/last"))
    forget()
    bottlenecks.run(make_job(write_images(Path("data/split"), some_images(1, 3)), "data/stored"))
    shutil.rmtree("data/split")
    job = replace(job_of(6), previous=finished(bare_job(STAGE, Path("data/last"))))
    assert said_by(job, capsys) == ("computed 1, reused 5 bottlenecks of 512 features", "")
    assert right(job, pictured)


def test_what_a_killed_run_left_of_dvc_is_cleared_away_by_the_next(recorded):
    left = Path("data", f".{STAGE}-recorded")
    left.mkdir()
    (left / "features.npy").write_bytes(b"half of it")
    stage_folder.recover(FOLDER)
    assert not left.exists()


def test_a_kept_row_costs_no_backbone(recorded, monkeypatch):
    monkeypatch.setattr(inference, "compute", lambda *_: pytest.fail("the backbone was asked"))
    assert bottlenecks.run(job_of(3)).startswith("computed 0, ")
