"""The whole flow through a real SLURM: the bytes of one machine, whatever is killed, and by what."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import executors
import pytest
import slurm
from conftest import PROJECT, Clone, clone_project, stages_run
from huskies.planning import stage_list

pytestmark = [pytest.mark.server, pytest.mark.timeout(1200)]

COMMAND = ("snakemake", "--workflow-profile", "profiles/slurm", "--max-threads", "1")
# Added to a stage, it takes too much of something at the first time, and hangs.
UNRULY = """
import pathlib, time

tried = pathlib.Path("tried")
if not tried.exists():
    tried.touch()
    eaten = b"x" * {bytes}
    time.sleep(300)
"""
STAGES = [stage for stage in stage_list.tracked(PROJECT) if stage != "report"]


@pytest.fixture(scope="module")
def completed(tmp_path_factory) -> Iterator[Path]:
    """A cluster's list of jobs that have ended."""
    executors.found("slurm")
    with slurm.cluster(tmp_path_factory.mktemp("slurm")) as ended:
        yield ended


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a command in a clone; what it says is in said.txt beside it."""
    with contextlib.ExitStack() as running:

        def begin(clone: Clone, *asked: str) -> subprocess.Popen:
            said = running.enter_context(open(clone.folder.parent / "said.txt", "a"))
            given = {
                "cwd": clone.folder,
                "env": {**clone.environment(), **executors.found("slurm")},
                "stdout": said,
                "stderr": said,
            }
            process = running.enter_context(subprocess.Popen([*COMMAND, *asked], **given))
            running.callback(process.kill)
            return process

        yield begin


def finished(clone: Clone, running: subprocess.Popen) -> str:
    """Wait for a command that must succeed; return what it has said, and what others said before it."""
    status, said = running.wait(600), (clone.folder.parent / "said.txt").read_text()
    assert status == 0, said
    return said


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def made(clone: Clone) -> dict[str, int]:
    """Return the number of the file of each stage's receipt, which is another one once it is made again."""
    return {path.parent.name: path.stat().st_ino for path in clone.folder.glob("data/*/receipt-*.json")}


def running(clone: Clone) -> list[str]:
    """Return the numbers of the jobs of a clone that run now."""
    lines = subprocess.check_output(["squeue", "--noheader", "--states=RUNNING", "--format=%i %Z"], text=True)
    return [line.split()[0] for line in lines.splitlines() if line.endswith(str(clone.folder))]


def edit(clone: Clone, name: str, old: str, new: str) -> None:
    path = clone.folder / "workflow/huskies" / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def unruly(folder: Path, eaten: int) -> Clone:
    """Return a clone in which convert asks for 400 MB and a minute at first, eats so many bytes, and hangs."""
    clone = clone_project(folder / "clone")
    edit(clone, "planning/resources.py", '"convert": Cost(150, 250, 2, 300)', '"convert": Cost(0, 0, 0, 1)')
    edit(clone, "planning/resources.py", "_IMPORTS_AND_QUEUES = 10", "_IMPORTS_AND_QUEUES = 0")
    path = clone.folder / "workflow/huskies/steps/convert.py"
    path.write_text(path.read_text(encoding="utf-8") + UNRULY.format(bytes=eaten), encoding="utf-8")
    return clone


def test_the_bytes_are_those_of_one_machine_whatever_is_killed_meanwhile(completed, start, first_build, tmp_path):
    clone, slow, greedy = clone_project(tmp_path / "clone"), unruly(tmp_path / "1", 0), unruly(tmp_path / "2", 10**9)
    others = [(each, start(each, "convert")) for each in (slow, greedy)]
    clone.set(run__shards=2)
    head = start(clone, "metrics")
    # Killed like this, the command tells neither SLURM nor its jobs.
    wait_until(lambda: "split" in made(clone))
    head.send_signal(signal.SIGKILL)
    head.wait()
    kept = made(clone)
    assert kept.keys() == {"convert", "group", "split"}

    again = start(clone, "metrics")
    wait_until(lambda: "augment" in made(clone))
    wait_until(lambda: bool(running(clone)))
    subprocess.run(["scancel", running(clone)[0]], check=True)
    said = finished(clone, again)
    assert "CANCELLED" in slurm.states(completed)
    assert {stage: made(clone)[stage] for stage in kept} == kept

    # What the stages said on the node is heard here at last, the table among it.
    assert stages_run(said) == [stage for stage in STAGES if stage not in kept]
    assert re.search(r"^baseline +\d+ +\d+\.\d% ", said, re.MULTILINE)
    assert "recorded in dvc.lock: convert, group" in said
    assert "bottlenecks_augmented: shard 2 of 2: computed " in said
    assert clone.bytes_of(*STAGES) == first_build[0].bytes_of(*STAGES)

    for (other, waited_for), reason in zip(others, ("DUE TO TIME LIMIT", "exceeded memory limit"), strict=True):
        assert "convert: 27 images" in finished(other, waited_for)
        [ended] = other.folder.glob(".snakemake/slurm_logs/rule_convert/*.log")
        assert reason in ended.read_text()


def test_what_fails_is_named_with_its_log_and_recorded_by_nobody(completed, start, clone):
    (clone.folder / "data/digits/0/broken.png").write_text("no picture")
    clone.set(convert__max_rejected=0)
    head = start(clone, "--retries", "0", "--", "metrics")
    assert head.wait(300) == 1
    said = (clone.folder.parent / "said.txt").read_text()
    assert "Error in rule convert:" in said
    assert "logs/convert.log" in said
    assert (clone.folder / "logs/convert.log").read_text() in said
    assert not (clone.folder / "dvc.lock").exists()
    assert os.listdir(clone.folder / ".snakemake/slurm_logs") == ["rule_convert"]
