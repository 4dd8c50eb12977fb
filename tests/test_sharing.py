"""What a team shares through a DVC remote is had by all and computed by none: on each kind of remote people have."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import BELOW_AUGMENT, CLASSES, IMAGES_A_CLASS, PROJECT, Clone, do, stages_run
from huskies.planning import stage_list
from servers import KINDS, Server, serve

PAGE = (PROJECT / "docs/sharing.md").read_text(encoding="utf-8")
# Found in the page by how it begins; for its address the test puts in the server's.
SCHEMES = {"folder": "/", "s3": "s3://", "ssh": "ssh://", "webdav": "webdavs?://"}
EACH_KIND = ["folder", *(pytest.param(kind, marks=pytest.mark.server) for kind in KINDS[1:])]
STAGES = list(stage_list.tracked(PROJECT))
# What `dvc metrics diff` compares of its own accord is summary.json.
EVERYTHING = ["--targets", "data/metrics/metrics.json", "--"]

# A change that costs little: the page alone shows it.


def add_remote(clone: Clone, kind: str, server: Server) -> None:
    """Add the server as docs/sharing.md says for its kind of remote, with credentials that stay out of git."""
    [command] = re.findall(rf"`(dvc remote add --default store) {SCHEMES[kind]}\S+`", PAGE)
    do(clone, *command.split(), server.address)


def log_in(clone: Clone, server: Server) -> None:
    for name, value in server.settings.items():
        do(clone, "dvc", "remote", "modify", "--local", "store", name, value)


def interrupted(clone: Clone, command: list[str], arrived: Callable[[], int]) -> None:
    """Run a command and kill it, with all it started, as soon as some files have arrived."""
    process = subprocess.Popen(
        command,
        cwd=clone.folder,
        env=clone.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and arrived() < 5:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be interrupted"


def cached(clone: Clone) -> int:
    return sum(1 for path in (clone.folder / ".dvc/cache/files/md5").glob("*/*") if path.is_file())


def computed(said: str) -> dict[str, int]:
    """Return how many bottlenecks each stage says that it computed."""
    found = re.findall(r"^(bottlenecks_\w+): computed (\d+),", said, re.MULTILINE)
    return {stage: int(number) for stage, number in found}


def known_images(clone: Clone) -> dict[str, set[str]]:
    """Return the sha256 of the images of each bottleneck stage."""
    stages = [stage for stage in STAGES if stage.startswith("bottlenecks_")]
    return {stage: set(pd.read_csv(clone.folder / "data" / stage / "index.csv")["sha256"]) for stage in stages}


def read_metrics(clone: Clone) -> dict[str, Any]:
    return json.loads((clone.folder / "data/metrics/metrics.json").read_text())


def add_photos(clone: Clone, number: int) -> set[str]:
    """Put further images into the clone's classes in turn; return the sha256 of each."""
    added = set()
    for each in range(number):
        label = CLASSES[each % len(CLASSES)]
        source = sorted((PROJECT / "data/digits" / label).glob("*.png"))[IMAGES_A_CLASS + each]
        (clone.folder / "data/digits" / label / source.name).write_bytes(source.read_bytes())
        added.add(hashlib.sha256(source.read_bytes()).hexdigest())
    return added


def share(a: Clone, kind: str, server: Server, origin: Path) -> None:
    """Publish a built clone: results to the remote, the rest to a bare git repository."""
    subprocess.run(["git", "init", "--quiet", "--bare", origin], check=True)
    add_remote(a, kind, server)
    do(a, "git", "remote", "add", "origin", str(origin))
    do(a, "git", "add", "dvc.lock", ".dvc/config")
    do(a, "git", "commit", "--quiet", "--message", "First numbers")
    log_in(a, server)
    interrupted(a, ["dvc", "push", "--jobs", "1"], lambda: len(server.objects()))
    assert len(server.objects()) < cached(a)
    do(a, "dvc", "push")
    do(a, "git", "push", "--quiet", "--set-upstream", "origin", "HEAD")


def join(origin: Path, folder: Path, server: Server) -> Clone:
    """Return a teammate's clone after `dvc pull`, in a folder and with a cache of its own."""
    folder.mkdir()
    b = Clone(folder / "clone")
    subprocess.run(["git", "clone", "--quiet", origin, b.folder], check=True)
    do(b, "git", "config", "user.name", "Teammate")
    do(b, "git", "config", "user.email", "teammate@example.org")
    log_in(b, server)
    interrupted(b, ["dvc", "pull", "--jobs", "1"], lambda: cached(b))
    do(b, "dvc", "pull")
    return b


def shared(kind: str, server: Server, a: Clone, folder: Path) -> Clone:
    """Share what a clone has; return the clone of a teammate, in which all of it is whole and nothing to be done."""
    share(a, kind, server, folder / "origin.git")
    b = join(folder / "origin.git", folder / "b", server)
    for path in server.objects():
        assert hashlib.md5(path.read_bytes()).hexdigest() == path.parent.name + path.name.removesuffix(".dir")
    assert b.bytes_of(*STAGES) == a.bytes_of(*STAGES)
    assert "Nothing to be done" in do(b, "snakemake", "--cores", "2", "report")
    assert "Running stage" not in do(b, "dvc", "repro")
    return b


@pytest.mark.long
@pytest.mark.server
@pytest.mark.parametrize("kind", KINDS[1:])
def test_by_a_server_everything_comes_whole_both_ways(kind, first_build, tmp_path):
    """What is computed does not depend on the kind of remote: by a folder, the test below tries that."""
    a = first_build[0].copy(tmp_path / "a" / "clone")
    (tmp_path / "server").mkdir()
    with serve(kind, tmp_path / "server") as server:
        b = shared(kind, server, a, tmp_path)
        with open(b.folder / "workflow/huskies/page/page.css", "a", encoding="utf-8") as style:
            style.write("/* another style */\n")
        assert stages_run(do(b, "dvc", "repro")) == ["report"]
        do(b, "git", "commit", "--quiet", "--all", "--message", "Another style of the page")
        do(b, "dvc", "push")
        do(b, "git", "push", "--quiet")
        do(a, "git", "pull", "--quiet")
        do(a, "dvc", "pull")
        assert a.bytes_of(*STAGES) == b.bytes_of(*STAGES)


@pytest.mark.long
def test_a_team_computes_nothing_twice(first_build, tmp_path):
    a = first_build[0].copy(tmp_path / "a" / "clone")
    (tmp_path / "server").mkdir()
    with serve("folder", tmp_path / "server") as server:
        b = shared("folder", server, a, tmp_path)
        before = known_images(b)
        added = add_photos(b, 20)
        said = do(b, "dvc", "repro")
        assert stages_run(said) == STAGES
        after = known_images(b)
        assert computed(said) == {stage: len(after[stage] - before[stage]) for stage in after}
        originals = pd.read_csv(b.folder / "data/split/manifest.csv")
        new = originals[originals["source_sha256"].isin(added)]
        assert len(new) == 20
        assert sum(computed(said).values()) == 20 + 2 * (new["split"] == "train").sum()
        do(b, "git", "add", "data/digits", "dvc.lock")
        do(b, "git", "commit", "--quiet", "--message", "Twenty photos more")

        said = do(b, "dvc", "exp", "run", "-S", "aug.policy.0.rotate=[-40,40]")
        assert stages_run(said) == BELOW_AUGMENT
        do(b, "git", "commit", "--quiet", "--all", "--message", "Turned further")
        do(b, "dvc", "push")
        do(b, "git", "push", "--quiet")

        own = read_metrics(a)
        do(a, "git", "pull", "--quiet")
        do(a, "dvc", "pull")
        assert a.bytes_of(*STAGES) == b.bytes_of(*STAGES)
        assert "Nothing to be done" in do(a, "snakemake", "--cores", "2", "report")
        for clone in (a, b):
            changes = json.loads(do(clone, "dvc", "metrics", "diff", "--json", *EVERYTHING, "HEAD~2", "HEAD"))
            images = changes["data/metrics/metrics.json"]["augmented.images"]
            assert images["new"] == images["old"] + 3 * (new["split"] == "train").sum()
            assert images["old"] == own["augmented"]["images"]
            shown = clone.run("dvc", "exp", "show", "--json", "--num", "3").stdout
            gains = [each["gain"]["val_accuracy"] for each in (own, read_metrics(b))]
            assert set(gains) <= set(map(float, re.findall(r'"gain": ([-.\d]+)', shown)))


@pytest.fixture(params=EACH_KIND)
def half_sent(request, tmp_path):
    """(kind of remote, a repository, the size of its one large file) after a push that was killed within the file."""
    size = 200 << 20
    repository = Clone(tmp_path / "place/repository")
    repository.folder.mkdir(parents=True)
    (tmp_path / "server").mkdir()
    (repository.folder / "large.bin").write_bytes(os.urandom(size))
    with serve(request.param, tmp_path / "server") as server:
        for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"], ["dvc", "add", "large.bin"]):
            do(repository, *command)
        add_remote(repository, request.param, server)
        log_in(repository, server)

        def arrived() -> int:
            with contextlib.suppress(FileNotFoundError):
                sizes = [path.stat().st_size for path in (tmp_path / "server").rglob("*") if path.is_file()]
                return 5 if max(sizes, default=0) > size // 10 else 0
            return 0

        interrupted(repository, ["dvc", "push"], arrived)
        yield request.param, repository, size


@pytest.mark.long
def test_nobody_is_given_the_half_of_a_file_that_a_killed_push_sent(half_sent):
    kind, repository, size = half_sent
    if kind == "webdav":
        # DVC sends a file to its final name there, and does not look at it again.
        [command] = re.findall(r"`(dvc remote modify store verify true)`", PAGE)
        do(repository, *command.split())
    do(repository, "dvc", "push")
    shutil.rmtree(repository.folder / ".dvc/cache")
    (repository.folder / "large.bin").unlink()
    pulled = repository.run("dvc", "pull")
    if kind == "webdav":
        assert pulled.returncode != 0
        assert not (repository.folder / "large.bin").exists()
    else:
        assert pulled.returncode == 0, pulled.stderr
        assert (repository.folder / "large.bin").stat().st_size == size


HANDED_OVER = (PROJECT / "docs/predict.md").read_text(encoding="utf-8").partition("## From another repository")[2]


@pytest.mark.server
def test_the_classifier_is_had_by_its_name_from_another_repository(first_build, converted_before, tmp_path):
    keep, get = (block.splitlines() for block in re.findall(r"```\n(.*?)```", HANDED_OVER, re.DOTALL))
    [session] = re.findall(r"```python\n(.*?)```", HANDED_OVER, re.DOTALL)
    clone = first_build[0].copy(tmp_path / "copy")
    do(clone, "git", "init", "--quiet", "--bare", str(tmp_path / "origin"))
    do(clone, "git", "remote", "add", "origin", str(tmp_path / "origin"))
    do(clone, "git", "push", "--quiet", "--set-upstream", "origin", "HEAD")
    do(clone, "snakemake", "--cores", "2", "final")
    (tmp_path / "server").mkdir()
    other = Clone(tmp_path / "other")
    other.folder.mkdir()
    do(other, "git", "init", "--quiet")
    do(other, "dvc", "init", "--quiet")
    photos = sorted((clone.folder / "data/digits/3").glob("*.png"))
    (other.folder / "photos").mkdir()
    for photo in photos:
        shutil.copy(photo, other.folder / "photos")
    with serve("ssh", tmp_path / "server") as server:
        add_remote(clone, "ssh", server)
        log_in(clone, server)
        # Whoever gets it needs the log-in as well, which is in no repository.
        do(clone, "git", "add", "--all")
        for line in keep:
            do(clone, "bash", "-c", line)
        made = {path.name: path.read_bytes() for path in (clone.folder / "data/final").iterdir()}
        for number, line in enumerate(get):
            said = do(
                other,
                "bash",
                "-c",
                line.replace("REPOSITORY", str(clone.folder)).replace("--out classifier", f"--out c{number}"),
            )
            if "--out" in line:
                assert {path.name: path.read_bytes() for path in (other.folder / f"c{number}").iterdir()} == made
        assert said.count("photos/") == len(photos)
        told = do(other, "python", "-c", session.replace("REPOSITORY", str(clone.folder)))
        assert told.count("photos/") == len(photos)
