"""resources: jobs ask for what was measured and more, twice as much at each attempt; one machine is used as ever."""

import csv
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import PROJECT
from huskies.planning import resources, stage_list
from huskies.planning.resources import Cores

PARAMETERS = {"aug": {"factor": 5}, "backbone": {"weights": "mini.weights.h5"}}
with open(PROJECT / "benchmarks/growth.csv", encoding="utf-8", newline="") as _file:
    MEASURED = [row for row in csv.DictReader(_file) if row["what"] in stage_list.tracked(PROJECT)]
# MiB of the sample's jobs on two cores, as SLURM counts them: Snakemake twice, the stage, and its libraries' pages.
IN_JOBS = {
    "convert": 605,
    "group": 1218,
    "split": 315,
    "augment": 633,
    "bottlenecks_original": 1028,
    "train_baseline": 1003,
    "train_augmented": 1158,
    "leaks": 633,
    "cross_validation": 1592,
    "metrics": 384,
    "report": 511,
    "test": 967,
}


@pytest.fixture(autouse=True)
def _where_the_weights_are(in_project):
    pass


def asked(stage: str, images: int, threads: int = 2, attempt: int = 1, **parameters) -> tuple[int, int]:
    """Return the MB and the minutes that a job asks for."""
    found = resources.asked(stage, lambda wildcards: {**PARAMETERS, **parameters}, lambda: images)
    return tuple(found[name]({}, threads, attempt) for name in ("mem_mb", "runtime"))


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row['what']}-{row['images']}")
def test_a_job_asks_for_more_than_was_measured_and_not_for_a_whole_machine(row):
    megabytes, minutes = asked(row["what"], int(row["images"]))
    assert int(row["peak_mb"]) + 350 <= megabytes <= 6000
    assert 2 * float(row["wall_s"]) <= 60 * minutes


@pytest.mark.parametrize(("stage", "megabytes"), IN_JOBS.items())
def test_a_job_asks_for_more_than_slurm_counted(stage, megabytes):
    assert 1.25 * megabytes <= asked(stage, 1797)[0] <= 3000


@pytest.mark.parametrize("stage", [*stage_list.stages(PROJECT), *stage_list.controls(PROJECT), "publish", "audit"])
def test_every_stage_has_an_answer_and_the_next_attempt_asks_for_twice_as_much(stage):
    first, second, third = (asked(stage, 1000, attempt=attempt) for attempt in (1, 2, 3))
    assert second == tuple(2 * each for each in first)
    assert third == tuple(4 * each for each in first)
    assert first[0] % 100 == 0
    assert first[1] >= 10


@pytest.mark.parametrize("stage", ["convert", "leaks", "bottlenecks_augmented", "train_augmented", "cross_validation"])
def test_more_images_ask_for_more_memory_and_time(stage):
    few, many = asked(stage, 1_000), asked(stage, 1_000_000)
    assert few[0] < many[0]
    assert few[1] < many[1]


def test_copies_count_where_a_stage_has_them():
    assert asked("bottlenecks_augmented", 10**6) < asked("bottlenecks_augmented", 10**6, aug={"factor": 20})
    assert asked("bottlenecks_original", 10**6) == asked("bottlenecks_original", 10**6, aug={"factor": 20})


def test_more_cores_need_more_memory_and_less_time():
    assert asked("convert", 10**6, 8)[0] > asked("convert", 10**6, 2)[0]
    assert asked("convert", 10**6, 8)[1] < asked("convert", 10**6, 2)[1]


def test_a_large_network_asks_for_memory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("backbones/folder").mkdir(parents=True)
    for name in ("large.h5", "folder/large.bin"):
        with open(Path("backbones", name), "wb") as file:
            file.truncate(10**9)
    for weights in ("large.h5", "folder"):
        assert asked("bottlenecks_original", 100, backbone={"weights": weights})[0] > 6000
        assert asked("split", 100, backbone={"weights": weights}) == asked("split", 100)
    assert 1000 < asked("bottlenecks_original", 100, backbone={"weights": "imagenet"})[0] < 3000


def test_raw_images_are_counted_in_folders_and_zips(tmp_path):
    (tmp_path / "raw/rose/more").mkdir(parents=True)
    for name in ("a.jpg", "more/b.jpg", ".hidden"):
        (tmp_path / "raw/rose" / name).touch()
    with zipfile.ZipFile(tmp_path / "raw.zip", "w") as archive:
        archive.mkdir("rose")
        archive.writestr("rose/a.jpg", "")
    (tmp_path / "broken.zip").write_text("no zip")
    found = [resources.number_of_images(tmp_path / name) for name in ("raw", "raw.zip", "broken.zip", "nowhere")]
    assert found == [2, 1, 0, 0]


def workflow(cores: int | None, local: bool, job: bool = False, max_threads: int | None = None) -> SimpleNamespace:
    """Return Snakemake's workflow as it is when it makes its graph of jobs."""
    settings = SimpleNamespace(max_threads=max_threads)
    return SimpleNamespace(cores=cores, local_exec=local, remote_exec=job, resource_settings=settings)


@pytest.mark.parametrize(("cores", "half"), [(1, 1), (2, 1), (3, 2), (8, 4)])
def test_on_one_machine_a_job_has_all_cores_or_leaves_half_of_them_to_another_and_uses_all(cores, half):
    found = Cores(workflow(cores, local=True))
    assert (found.all({}), found.half({}), found.used({}, half)) == (cores, half, cores)


# The command, and the two Snakemakes of a job, of which the inner one works on its own machine.
@pytest.mark.parametrize(("local", "job"), [(False, False), (False, True), (True, True)])
@pytest.mark.parametrize(("max_threads", "asked_for"), [(None, 8), (4, 4)])
def test_a_job_on_another_machine_asks_for_no_core_of_this_one(local, job, max_threads, asked_for):
    found = Cores(workflow(64, local, job, max_threads))
    assert (found.all({}), found.half({})) == (asked_for, asked_for)
    assert found.used({}, 3) == 3
