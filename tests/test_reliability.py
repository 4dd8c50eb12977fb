"""The short part of `make reliability`: kills at the worst steps, a power cut, and what follows an empty dvc.lock."""

import os
import signal
from random import Random

import pytest
from reliability import kills, power_loss, state
from reliability.bench import TYPED, Bench, Command
from reliability.volatile_disk import Disk, content, survivors

# What lies below is little, and quickly made: leaks, metrics, report.
WARN = Command(TYPED, asks=(("leaks__action", "warn"),), saved=True)


@pytest.fixture(scope="module")
def bench(first_build, tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("reliability"), first_build[0], audits=False)


@pytest.mark.long
@pytest.mark.parametrize(
    "step",
    [
        # The stage is whole, and Snakemake's marker says that it is not.
        "before remove clone/.snakemake/incomplete/data/leaks/receipt-*.json #1",
        # The stage is whole and in its place, and what it replaces is not yet deleted.
        "after rename clone/data/.leaks-* -> clone/data/leaks #1",
        # DVC has emptied its file and not yet filled it.
        "after write clone/dvc.lock #1",
    ],
)
def test_a_run_killed_at_a_step_ends_as_if_undisturbed_when_it_is_given_again(bench, step):
    assert step in kills.steps(bench.undisturbed(WARN).steps)
    outcome = kills.kill(WARN, bench, step, signal.SIGKILL, "group")
    assert (outcome.lost, outcome.saw) == ((), "again: ended with 0")


@pytest.mark.long
@pytest.mark.skipif(not os.access("/dev/fuse", os.W_OK), reason="needs /dev/fuse")
def test_no_receipt_survives_a_power_cut_without_its_data_and_the_same_command_works_again(bench):
    after = r"clone/data/leaks"
    outcome = power_loss.cut(bench, WARN, after, None, Random(1), power_loss.GIT_AND_DVC)
    assert (outcome.lost, outcome.saw) == ((), "again: ended with 0")


@pytest.mark.long
def test_an_experiment_works_after_an_interrupted_dvc_left_dvc_lock_empty(bench):
    place, right = bench.place("built"), bench.state("built")
    (place.folder / "dvc.lock").write_bytes(b"")
    place.do(*TYPED)
    assert state.differences(state.of(place), right) == []
    place.do("dvc", "exp", "run", "-S", "leaks.action=warn")
    assert bench.undisturbed(WARN).state["dvc.lock"] in state.experiments(place)


def test_a_step_is_killed_at_its_first_and_its_last_time():
    assert kills.steps(("a", "b", "a", "a")) == ["a #1", "a #3", "b #1"]


def test_differences_are_said_in_a_few_words():
    right = {"data/leaks/leaks.json": b"{}", "dvc.lock": b"stages", "params.yaml": b"aug: 1"}
    assert state.differences(right, right) == []
    found = {"data/.leaks-0123/leaks.json": b"{}", "dvc.lock": b"", "params.yaml": b"aug: 2"}
    assert state.differences(found, right) == [
        "data/.leaks-… is left over",
        "stages are not as undisturbed",
        "dvc.lock is empty",
        "params.yaml is not as undisturbed",
    ]


def a_disk_with(data: bytes) -> tuple[Disk, object]:
    """Return a volatile disk with a file `new`, written and renamed to `kept` in place of an old one."""
    disk = Disk("(?!)")
    old = disk.node(0o100644)
    disk.set((disk.root, b"kept", old))
    disk.all_durable()
    new = disk.node(0o100644)
    disk.set((disk.root, b"new", new))
    new.data[:] = data
    disk.set((disk.root, b"new", None), (disk.root, b"kept", new))
    return disk, new


def test_what_was_not_synced_survives_a_power_cut_or_not():
    seen = set()
    for seed in range(100):
        disk, new = a_disk_with(b"x" * 100)
        random = Random(seed)
        names = survivors(disk, random)[disk.root]
        seen.add((names.get(b"kept") is new, content(new, random) == bytes(new.data)))
    assert seen == {(True, True), (True, False), (False, True), (False, False)}


def test_what_was_synced_survives_every_power_cut():
    for seed in range(100):
        disk, new = a_disk_with(b"x" * 100)
        disk.sync(new)
        disk.sync(disk.root)
        random = Random(seed)
        assert survivors(disk, random)[disk.root] == {b"kept": new}
        assert content(new, random) == b"x" * 100
