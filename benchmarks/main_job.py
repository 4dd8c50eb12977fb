"""The main job, `make metrics`, with the environment ready: seconds of every stage, now and before there was an engine.

Both commits are built from nothing, with empty caches, and take turns: on the sample, and on the flowers by InceptionV3
up to mixed8 where HUSKIES_SHARED has them. DVC's record is a part of it. The commit of before, 29613ce, has to be in
the clone this is run in: a shallow one lacks it.
"""

import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import clones
import engines
import on_the_fly
from clones import PROJECT
from huskies.planning import stage_list
from process_cost import timed
from speed_table import Line

# The last commit that computed bottlenecks by TensorFlow alone.
BEFORE = "29613ce"
COMMITS = {"before": BEFORE, "now": "HEAD"}


def clone(folder: Path, commit: str, shared: Path | None) -> Path:
    """Return a clone of the project at a commit in `folder`, set to the flowers if `shared` is given."""
    target = clones.clone(folder, commit)
    (target / ".venv").symlink_to(PROJECT / ".venv")
    if shared:
        shutil.copytree(shared / "data/flowers", target / "flowers")
        shutil.copy(shared / "weights" / engines.INCEPTION_V3, target / "backbones")
        name, arguments, weights, layer, side, _ = engines.CASES[on_the_fly.CASE]
        clones.set_parameters(
            target,
            raw="flowers",
            split={"validation": 0.2, "test": 0.2},
            backbone={"name": name, "arguments": arguments, "weights": weights, "layer": layer, "input_size": side},
            aug={"policy": on_the_fly.POLICY},
        )
    return target


def once(commit: str, shared: Path | None) -> dict[str, float]:
    """Build everything at a commit; return the wall seconds of each stage, and of all."""
    with tempfile.TemporaryDirectory(prefix="main-job-") as name:
        # The environment is ready, whatever the times of files in a fresh clone say.
        command = ("make", "--assume-old=.venv/ready", "metrics")
        found: dict[str, float] = {}
        whole = timed(
            clone(Path(name), commit, shared), *command, ended=lambda stage, cost: found.update({stage: cost.wall})
        )
    return {**found, "all": whole.wall}


def measure(shared: Path | None, repetitions: int) -> Iterator[Line]:
    """Yield the seconds of every stage now, with those of before in the note. shared: None for the sample.

    Raises RuntimeError where the history does not go back to the commit of before.
    """
    if subprocess.run(["git", "cat-file", "-e", f"{BEFORE}^{{commit}}"], cwd=PROJECT, capture_output=True).returncode:
        raise RuntimeError(f"commit {BEFORE}, from before the engine, is not here. Run `git fetch --unshallow`.")
    data = "flowers, InceptionV3" if shared else "sample"
    runs = {name: [] for name in COMMITS}
    for _ in range(repetitions):
        for name, commit in COMMITS.items():
            runs[name].append(once(commit, shared))
    before, now = (
        {stage: statistics.median(run[stage] for run in runs[name] if stage in run) for stage in runs[name][-1]}
        for name in COMMITS
    )
    for stage in (*stage_list.stages(PROJECT), "record"):
        if stage in now:
            note = f"{before[stage]:.1f} s before the engine" if stage in before else ""
            yield Line("main job", f"{data}: {stage}", now[stage], "s", note=note)
    note = f"{before['all']:.1f} s before the engine"
    yield Line("main job", f"{data}: make metrics", now["all"], "s", at_most=None if shared else 60, note=note)
    yield Line("main job", f"{data}: before the engine against now", before["all"] / now["all"], "×")
