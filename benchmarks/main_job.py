"""The main job, `make metrics`, with the environment ready: seconds of every stage, now and before there was an engine.

Both commits are built from nothing, with empty caches, and take turns: on the sample, and on the flowers by InceptionV3
up to mixed8 where HUSKIES_SHARED has them. DVC's record is a part of it.
"""

import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import engines
import growth
import on_the_fly
from huskies import plan
from page import Line
from watch import timed

# The last commit that computed bottlenecks by TensorFlow alone.
BEFORE = "29613ce"
COMMITS = {"before": BEFORE, "now": "HEAD"}


def clone(folder: Path, commit: str, shared: Path | None) -> Path:
    """Return a clone of the project at a commit in `folder`, set to the flowers if `shared` is given."""
    target = folder / "clone"
    git = ["git", "-C", target]
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", engines.PROJECT, target], check=True)
    subprocess.run([*git, "checkout", "--quiet", commit], check=True)
    for pair in (("user.name", "Benchmark"), ("user.email", "benchmark@example.org")):
        subprocess.run([*git, "config", *pair], check=True)
    (target / ".venv").symlink_to(engines.PROJECT / ".venv")
    if shared:
        shutil.copytree(shared / "data/flowers", target / "flowers")
        shutil.copy(shared / "weights" / engines.INCEPTION_V3, target / "backbones")
        name, arguments, weights, layer, side, _ = engines.CASES[on_the_fly.CASE]
        growth.set_parameters(
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
    """Yield the seconds of every stage now, with those of before in the note. shared: None for the sample."""
    data = "flowers, InceptionV3" if shared else "sample"
    runs = {name: [] for name in COMMITS}
    for _ in range(repetitions):
        for name, commit in COMMITS.items():
            runs[name].append(once(commit, shared))
    before, now = (
        {stage: statistics.median(run[stage] for run in runs[name] if stage in run) for stage in runs[name][-1]}
        for name in COMMITS
    )
    for stage in (*plan.stages(engines.PROJECT), "record"):
        if stage in now:
            note = f"{before[stage]:.1f} s before the engine" if stage in before else ""
            yield Line("main job", f"{data}: {stage}", now[stage], "s", note=note)
    note = f"{before['all']:.1f} s before the engine"
    yield Line("main job", f"{data}: make metrics", now["all"], "s", at_most=None if shared else 60, note=note)
    yield Line("main job", f"{data}: before the engine against now", before["all"] / now["all"], "×")
