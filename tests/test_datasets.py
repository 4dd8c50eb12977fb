"""One's own photos in DVC: added, versioned by git tags, and imported from another repository."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import CLASSES, IMAGES_A_CLASS, PROJECT, Clone, clone_project, do, lend_backbones, stages_run
from huskies.planning import stage_list
from ruamel.yaml import YAML

pytestmark = pytest.mark.long
STAGES = list(stage_list.tracked(PROJECT))
CLEAN = "Data and pipelines are up to date."


def add_one_of_each_class(photos: Path) -> None:
    for label in CLASSES:
        source = sorted((PROJECT / "data/digits" / label).glob("*.png"))[IMAGES_A_CLASS]
        shutil.copy2(source, photos / label)


@pytest.fixture(scope="module")
def first_photos(first_build, tmp_path_factory) -> Clone:
    """A clone with photos of its own, added to DVC, tagged as photos-v1, and built. Not to be changed: copy it."""
    place = tmp_path_factory.mktemp("photos")
    lend_backbones(first_build[0], place)
    clone = clone_project(place / "clone")
    (clone.folder / "data/digits").rename(clone.folder / "photos")
    clone.set(raw="photos")
    do(clone, "dvc", "add", "photos")
    do(clone, "snakemake", "--cores", "2", "report")
    do(clone, "git", "add", "--all")
    do(clone, "git", "commit", "--quiet", "--message", "Our photos")
    do(clone, "git", "tag", "photos-v1")
    return clone


@pytest.fixture
def photographer(first_photos, tmp_path) -> Clone:
    """A copy of it."""
    return first_photos.copy(tmp_path / "clone")


@pytest.mark.timeout(900)
def test_a_tag_brings_back_photos_and_results_and_nothing_runs(photographer):
    tracked = do(photographer, "git", "ls-files")
    assert "photos.dvc" in tracked
    assert "photos/" not in tracked
    assert do(photographer, "dvc", "status").strip() == CLEAN
    first = photographer.bytes_of(*STAGES)

    add_one_of_each_class(photographer.folder / "photos")
    do(photographer, "dvc", "add", "photos")
    assert stages_run(do(photographer, "dvc", "exp", "run", "--name", "more")) == STAGES
    do(photographer, "git", "add", "--all")
    do(photographer, "git", "commit", "--quiet", "--message", "More photos")
    do(photographer, "git", "tag", "photos-v2")
    second = photographer.bytes_of(*STAGES)
    assert second["convert/manifest.csv"].count(b"\n") == first["convert/manifest.csv"].count(b"\n") + len(CLASSES)

    for version, expected in (("photos-v1", first), ("photos-v2", second)):
        do(photographer, "git", "checkout", "--quiet", version)
        do(photographer, "dvc", "checkout")
        assert photographer.bytes_of(*STAGES) == expected
        assert "Nothing to be done" in do(photographer, "snakemake", "--cores", "2", "report")
        assert stages_run(do(photographer, "dvc", "repro")) == []
        assert do(photographer, "dvc", "status").strip() == CLEAN


@pytest.mark.timeout(900)
def test_an_experiment_apart_from_the_workspace_has_the_photos(photographer):
    said = do(photographer, "dvc", "exp", "run", "--temp", "--name", "apart", "-S", "leaks.action=warn")
    assert stages_run(said) == ["leaks", "cross_validation", "metrics", "report"]
    path = "data/leaks/leaks.json"
    do(photographer, "dvc", "get", ".", path, "--rev", "apart", "--out", "../apart.json")
    assert json.loads((photographer.folder.parent / "apart.json").read_text())["action"] == "warn"
    assert json.loads((photographer.folder / path).read_text())["action"] == "fail"


@pytest.mark.timeout(900)
def test_an_experiment_that_snakemake_saves_has_the_photos_of_then(photographer):
    add_one_of_each_class(photographer.folder / "photos")
    do(photographer, "snakemake", "--cores", "2", "report")
    (name,) = do(photographer, "dvc", "exp", "list", "--name-only").split()
    (saved,) = do(photographer, "git", "for-each-ref", "--format", "%(refname)", f"refs/exps/*/*/{name}").split()
    photos, lock = (
        YAML(typ="safe").load(do(photographer, "git", "show", f"{saved}:{file}")) for file in ("photos.dvc", "dvc.lock")
    )
    (of_convert,) = [each for each in lock["stages"]["convert"]["deps"] if each["path"] == "photos"]
    assert photos["outs"][0]["md5"] == of_convert["md5"]
    assert photos["outs"][0]["nfiles"] == (IMAGES_A_CLASS + 1) * len(CLASSES)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("converted_before")
def test_a_data_set_is_imported_from_another_repository_and_kept_up_to_date(clone, tmp_path):
    other = Clone(tmp_path / "flowers")
    shutil.copytree(clone.folder / "data/digits", other.folder / "photos")
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"], ["dvc", "add", "photos"]):
        do(other, *command)
    identity = ["-c", "user.name=Other", "-c", "user.email=other@example.org"]
    do(other, "git", "add", "--all")
    do(other, "git", *identity, "commit", "--quiet", "--message", "A data set")

    do(clone, "dvc", "import", "../flowers", "photos")
    clone.set(raw="photos")
    assert stages_run(do(clone, "snakemake", "--cores", "2", "split")) == ["convert", "group", "split"]
    assert do(clone, "dvc", "status", "convert", "group", "split").strip() == CLEAN

    add_one_of_each_class(other.folder / "photos")
    do(other, "dvc", "add", "photos")
    do(other, "git", *identity, "commit", "--quiet", "--all", "--message", "More of it")
    do(clone, "dvc", "update", "photos.dvc")
    said = do(clone, "snakemake", "--cores", "2", "split")
    assert f"convert: {(IMAGES_A_CLASS + 1) * len(CLASSES)} images in 3 classes" in said
