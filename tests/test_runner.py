"""The runner: locks, checks, and a swap that leaves either the old folder or the new one, never half of one."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huskies import receipt, sources, stage_folder
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.planning import plan, runner, stage_list

PROJECT = Path(__file__).parent.parent
SOURCES = PROJECT / "workflow"
BUILT = "3 images in 3 groups, 0 not alone in theirs"
EXTRA = "workflow/extra.py"


@dataclass
class Workspace:
    """A folder in which the stage `group` can run on a finished convert."""

    folder: Path

    @property
    def group(self) -> Path:
        return self.folder / "data/group"

    def finish(self, stage: str, planned: dict[str, Any], files: dict[str, str]) -> None:
        folder = self.folder / "data" / stage
        shutil.rmtree(folder, ignore_errors=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        receipt.write(folder, planned)

    def convert(self, images: int = 3, with_manifest: bool = True) -> dict[str, Any]:
        """Build data/convert and return its plan."""
        rows = [
            {
                "file": f"cat/{number}.jpg",
                "label": "cat",
                "source_sha256": f"{number:0<64}",
                "sha256": f"{number + 50:064}",
            }
            for number in range(images)
        ]
        files = {row["file"]: row["file"] for row in rows}
        if with_manifest:
            listed = manifest.make([{**row, "source": row["file"].replace("jpg", "png")} for row in rows], ["source"])
            files[manifest.NAME] = listed.to_csv(index=False, lineterminator="\n")
        planned = {"stage": "convert", "params": {"images": images, "listed": with_manifest}, "inputs": {}}
        self.finish("convert", planned, files)
        return planned

    def plan(self, above: dict[str, Any], **more: Any) -> Path:
        """Publish a plan for `group` and return the receipt to make."""
        planned = {
            "stage": "group",
            "params": {"group": {"near_duplicates": False}},
            "code": {EXTRA: sources.code_digest((self.folder / EXTRA).read_text())},
            "libraries": {},
            "files": {},
            "inputs": {"convert": receipt.plan_hash(above)},
            "raw": None,
            "provenance": {},
            **more,
        }
        plan.publish({"group": planned})
        return Path("data/group", receipt.name(receipt.plan_hash(planned)))

    def content(self) -> dict[str, bytes]:
        """Return the bytes of every file of data/group."""
        return {path.name: path.read_bytes() for path in sorted(self.group.iterdir())}

    def leftovers(self) -> list[str]:
        """Return what lies beside the folders of the stages, locks excepted."""
        names = [path.name for path in (self.folder / "data").iterdir()]
        return sorted(name for name in names if name.startswith(".") and not name.startswith(".lock-"))

    @property
    def where_the_log_is(self) -> str:
        """The last line of what a stage that fails in `start` says."""
        return f"The log is {self.folder}/logs/group.log\n"

    def start(self, receipt_path: Path, before: str = "", prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        """Build the stage `group` in a process of its own, after some lines of Python."""
        script = f"{before}\nimport sys\nfrom huskies.__main__ import main\nsys.exit(main(sys.argv[1:]))"
        arguments = ["group", "--receipt", str(receipt_path), "--log", str(self.folder / "logs/group.log")]
        return subprocess.run(
            [*prefix, sys.executable, "-c", script, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            capture_output=True,
            text=True,
        )


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    folder = tmp_path / "workspace"
    (folder / "workflow").mkdir(parents=True)
    (folder / "workflow/huskies").symlink_to(SOURCES / "huskies")
    for name in ("dvc.yaml", stage_list.UNTRACKED, stage_list.PINS):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    (folder / EXTRA).write_text("ANSWER = 42\n")
    monkeypatch.chdir(folder)
    return Workspace(folder)


def refusal(receipt_path: Path, stage: str = "group") -> str:
    with pytest.raises(HuskyError) as error:
        runner.run_stage(stage, receipt_path, 1)
    return str(error.value)


def test_a_stage_leaves_its_folder_with_one_receipt_of_its_plan(workspace):
    target = workspace.plan(workspace.convert())
    assert runner.run_stage("group", target, 1) == BUILT
    assert sorted(workspace.content()) == ["conflicts.csv", "groups.csv", "near.csv", target.name]
    assert receipt.damage(workspace.group) == []
    assert json.loads(target.read_text())["plan"] == plan.fetch(target.stem.removeprefix("receipt-"))
    assert workspace.leftovers() == []


def test_a_new_plan_replaces_the_folder_as_a_whole(workspace):
    runner.run_stage("group", workspace.plan(workspace.convert()), 1)
    (workspace.group / "foreign.txt").write_text("left by somebody")
    target = workspace.plan(workspace.convert(images=5))
    assert runner.run_stage("group", target, 1) == "5 images in 5 groups, 0 not alone in theirs"
    assert sorted(workspace.content()) == ["conflicts.csv", "groups.csv", "near.csv", target.name]
    assert receipt.damage(workspace.group) == []


def test_two_builds_of_one_plan_have_the_same_bytes(workspace):
    target = workspace.plan(workspace.convert())
    runner.run_stage("group", target, 1)
    first = workspace.content()
    runner.run_stage("group", target, 2)
    assert workspace.content() == first


def test_the_receipt_of_another_stage_is_not_made(workspace):
    target = workspace.plan(workspace.convert())
    assert refusal(target, "split") == f"{target} is the receipt of group, not of split. Run snakemake split."


def test_a_receipt_without_a_plan_is_not_made(workspace):
    assert refusal(Path("data/group/receipt-0123456789abcdef.json")) == (
        "there is no sound plan .snakemake/plans/0123456789abcdef.json. "
        "Run the stage through snakemake, which writes it."
    )
    assert not (workspace.folder / "data").exists()


def test_the_code_of_another_workspace_does_not_run(workspace):
    target = workspace.plan(workspace.convert())
    (workspace.folder / "workflow/huskies").unlink()
    shutil.copytree(SOURCES / "huskies", workspace.folder / "workflow/huskies")
    assert refusal(target) == (
        f"the code of another workspace would run: huskies was imported from {SOURCES / 'huskies'}, "
        f"not from {workspace.folder / 'workflow/huskies'}. Run through snakemake, or set PYTHONPATH=workflow."
    )


def test_another_version_of_a_library_does_not_run(workspace):
    installed = __import__("pandas").__version__
    target = workspace.plan(workspace.convert(), libraries={"pandas": "0.1"})
    assert refusal(target) == (
        f"pandas {installed} is installed, but workflow/pins.yaml pins 0.1, and another version makes other bytes. "
        "Install what is pinned: make env"
    )


def test_code_edited_after_the_plan_does_not_run(workspace):
    target = workspace.plan(workspace.convert())
    (workspace.folder / EXTRA).write_text("# a remark\nANSWER = 42\n")
    assert runner.run_stage("group", target, 1) == BUILT
    (workspace.folder / EXTRA).write_text("ANSWER = 43\n")
    before = workspace.content()
    assert refusal(target) == f"{EXTRA} was edited since the run began. Run the same command again."
    assert workspace.content() == before


def test_weights_swapped_after_the_plan_do_not_run(workspace):
    weights = workspace.folder / "backbones/own.h5"
    weights.parent.mkdir()
    weights.write_text("weights")
    files = {"backbones/own.h5": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"}
    target = workspace.plan(workspace.convert(), files=files)
    weights.write_text("other weights")
    assert refusal(target) == "backbones/own.h5 was edited since the run began. Run the same command again."
    weights.unlink()
    assert refusal(target) == "cannot read backbones/own.h5: No such file or directory."


def test_code_edited_while_the_stage_runs_makes_no_folder(workspace):
    target = workspace.plan(workspace.convert())
    edit = """
from pathlib import Path
from huskies.steps import group
run = group.run

def edited(job):
    Path("workflow/extra.py").write_text("ANSWER = 43")
    return run(job)

group.run = edited
"""
    done = workspace.start(target, edit)
    assert done.returncode == 2
    said = f"ERROR: {EXTRA} was edited since the run began. Run the same command again.\n"
    assert done.stderr == said + workspace.where_the_log_is
    assert not workspace.group.exists()
    assert workspace.leftovers() == []


def test_an_image_edited_in_place_while_the_stage_runs_makes_no_folder(workspace):
    target = workspace.plan(workspace.convert())
    edit = """
from pathlib import Path
from huskies.steps import group
run = group.run

def edited(job):
    made = run(job)
    Path("data/convert/cat/1.jpg").write_text("other pixels")
    return made

group.run = edited
"""
    done = workspace.start(target, edit)
    assert done.returncode == 2
    said = (
        "ERROR: data/convert is not as its receipt says: cat/1.jpg. Delete the folder and run the same command again.\n"
    )
    assert done.stderr == said + workspace.where_the_log_is
    assert not workspace.group.exists()
    assert workspace.leftovers() == []


@pytest.mark.parametrize(
    ("harm", "damaged"),
    [
        (lambda folder: (folder / "cat/1.jpg").write_text("other pixels"), "cat/1.jpg"),
        (lambda folder: (folder / "cat/1.jpg").unlink(), "cat/1.jpg"),
        (lambda folder: (folder / "cat/9.jpg").write_text("foreign"), "cat/9.jpg"),
        (lambda folder: (folder / "receipt-0123456789abcdef.json").write_text("{}"), "receipt"),
    ],
    ids=["changed", "missing", "foreign", "two receipts"],
)
def test_a_damaged_folder_above_is_not_read(workspace, harm, damaged):
    target = workspace.plan(workspace.convert())
    harm(workspace.folder / "data/convert")
    assert refusal(target) == (
        f"data/convert is not as its receipt says: {damaged}. Delete the folder and run the same command again."
    )
    assert not workspace.group.exists()


def test_many_damaged_files_are_counted(workspace):
    target = workspace.plan(workspace.convert(images=9))
    for path in (workspace.folder / "data/convert/cat").iterdir():
        path.unlink()
    named = ", ".join(f"cat/{number}.jpg" for number in range(5))
    assert f"receipt says: {named} and 4 more. Delete" in refusal(target)


@pytest.mark.parametrize("absent", [True, False], ids=["not there", "replaced"])
def test_a_folder_above_that_is_not_the_planned_one_is_not_read(workspace, absent):
    target = workspace.plan(workspace.convert())
    if absent:
        shutil.rmtree(workspace.folder / "data/convert")
    else:
        workspace.convert(images=4)
    assert refusal(target) == (
        "data/convert is not, or no longer, what this run needs: another run with other parameters replaced it, "
        "or it was not checked out. Run the same command again; under DVC: dvc checkout"
    )
    assert not workspace.group.exists()


def test_a_stage_that_fails_keeps_the_old_folder(workspace):
    runner.run_stage("group", workspace.plan(workspace.convert()), 1)
    before = workspace.content()
    target = workspace.plan(workspace.convert(with_manifest=False))
    assert refusal(target) == (
        "data/convert/manifest.csv is missing. Delete the folder data/convert and run the same command again."
    )
    assert workspace.content() == before
    assert workspace.leftovers() == []


def test_a_fault_of_ours_keeps_the_old_folder_and_its_traceback(workspace):
    runner.run_stage("group", workspace.plan(workspace.convert()), 1)
    before = workspace.content()
    target = workspace.plan(workspace.convert(images=4))
    done = workspace.start(target, "from huskies.steps import group\ngroup.find_groups = None")
    assert done.returncode == 1
    assert "TypeError: 'NoneType' object is not callable" in done.stderr
    assert workspace.where_the_log_is in done.stderr
    assert "TypeError" in (workspace.folder / "logs/group.log").read_text()
    assert workspace.content() == before
    assert workspace.leftovers() == []


SWALLOWS_AN_INTERRUPT = """
import contextlib, os, signal
from huskies.steps import group
find_groups = group.find_groups

def interrupted(*given):
    with contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    return find_groups(*given)

group.find_groups = interrupted
"""


def test_an_interrupt_that_a_library_swallows_ends_the_stage_and_the_old_folder_stays(workspace):
    runner.run_stage("group", workspace.plan(workspace.convert()), 1)
    before = workspace.content()
    done = workspace.start(workspace.plan(workspace.convert(images=4)), SWALLOWS_AN_INTERRUPT)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr
    assert workspace.content() == before
    assert workspace.leftovers() == []


KILL_AT_RENAME = """
import os, signal
from pathlib import Path
rename, done = Path.rename, []

def killed(self, target):
    if len(done) == {renames}:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(target)
    return rename(self, target)

Path.rename = killed
"""


@pytest.mark.parametrize("renames", [0, 1], ids=["before the first rename", "between the two renames"])
def test_killed_in_the_swap_the_old_folder_comes_back_and_the_same_command_works(workspace, renames):
    runner.run_stage("group", workspace.plan(workspace.convert()), 1)
    before = workspace.content()
    target = workspace.plan(workspace.convert(images=4))
    done = workspace.start(target, KILL_AT_RENAME.format(renames=renames))
    assert done.returncode == -signal.SIGKILL
    assert workspace.group.exists() == (renames == 0)

    # Snakemake makes the folder of a missing output before the job.
    workspace.group.mkdir(exist_ok=True)
    failing = workspace.plan(workspace.convert(with_manifest=False))
    assert "manifest.csv is missing" in refusal(failing)
    assert workspace.content() == before
    assert workspace.leftovers() == []

    workspace.convert(images=4)
    assert runner.run_stage("group", target, 1) == "4 images in 4 groups, 0 not alone in theirs"
    assert receipt.damage(workspace.group) == []
    assert workspace.leftovers() == []


END_AT_CLEANING = """
import os, shutil
rmtree = shutil.rmtree

def ended(path, **more):
    if os.path.isdir(path) and ".replaced" in str(path):
        os._exit(9)
    return rmtree(path, **more)

shutil.rmtree = ended
"""


def test_ended_after_the_swap_only_rubbish_is_left_and_it_goes(workspace):
    runner.run_stage("group", workspace.plan(workspace.convert()), 1)
    target = workspace.plan(workspace.convert(images=4))
    assert workspace.start(target, END_AT_CLEANING).returncode == 9
    assert receipt.damage(workspace.group) == []
    assert (workspace.group / target.name).is_file()
    assert workspace.leftovers() == [".replaced-group"]
    after = workspace.content()
    assert runner.run_stage("group", target, 1) == "4 images in 4 groups, 0 not alone in theirs"
    assert workspace.content() == after
    assert workspace.leftovers() == []


@contextlib.contextmanager
def held(workspace: Workspace, stage: str, kind: int) -> Iterator[None]:
    """Hold a stage as another run would."""
    with open(workspace.folder / f"data/.lock-{stage}", "w") as file:
        fcntl.flock(file, kind)
        yield


@contextlib.contextmanager
def overheard() -> Iterator[Any]:
    """Give what is written to standard error as a file to read lines from; reading waits for the line."""
    reading, writing = os.pipe()
    with (
        open(reading, encoding="utf-8") as heard,
        open(writing, "w", encoding="utf-8") as saying,
        contextlib.redirect_stderr(saying),
    ):
        yield heard


@pytest.mark.parametrize(
    ("stage", "kind"),
    [("group", fcntl.LOCK_EX), ("convert", fcntl.LOCK_EX), ("group", fcntl.LOCK_SH)],
    ids=["another builds the stage", "another builds the stage above", "another reads the stage"],
)
def test_a_stage_in_use_is_waited_for(workspace, stage, kind):
    target = workspace.plan(workspace.convert())
    waiting = threading.Thread(target=runner.run_stage, args=("group", target, 1), daemon=True)
    with held(workspace, stage, kind), overheard() as said:
        waiting.start()
        assert said.readline() == f"another run is using data/{stage}: waiting for it\n"
        assert not workspace.group.exists()
    waiting.join()
    assert receipt.damage(workspace.group) == []


def test_a_stage_above_is_read_by_several_at_once(workspace, capfd):
    target = workspace.plan(workspace.convert())
    with held(workspace, "convert", fcntl.LOCK_SH):
        assert runner.run_stage("group", target, 1) == BUILT
    assert capfd.readouterr().err == ""


def test_what_another_run_made_while_we_waited_is_noticed(workspace):
    target = workspace.plan(workspace.convert())
    failed = []

    def run() -> None:
        try:
            runner.run_stage("group", target, 1)
        except HuskyError as error:
            failed.append(str(error))

    waiting = threading.Thread(target=run, daemon=True)
    with held(workspace, "convert", fcntl.LOCK_EX), overheard() as said:
        waiting.start()
        assert "waiting for it" in said.readline()
        workspace.convert(images=4)
    waiting.join()
    assert len(failed) == 1
    assert failed[0].startswith("data/convert is not, or no longer, what this run needs")


def test_a_killed_run_leaves_no_lock(workspace):
    target = workspace.plan(workspace.convert())
    kill = "import os, signal\nfrom huskies.steps import group\n"
    kill += "group.run = lambda job: os.kill(os.getpid(), signal.SIGKILL)"
    done = workspace.start(target, kill)
    assert done.returncode == -signal.SIGKILL
    assert len(workspace.leftovers()) == 1
    assert runner.run_stage("group", target, 1) == BUILT
    assert workspace.leftovers() == []


# Root writes where rights forbid it, so root gets a file system of its own, and others a folder without rights.
ROOT = os.geteuid() == 0


FILL = """
from pathlib import Path
import numpy as np
from huskies.steps import group
run = group.run

def filled(job):
    {write}
    return run(job)

group.run = filled
"""
SMALL_DISK = """
mv data data-before && mkdir data && mount -t tmpfs -o size=64k none data && cp -a data-before/. data/ || exit 99
"$@"
status=$?
cp -a data data-after && umount data && rmdir data && mv data-after data && exit $status
"""


@pytest.mark.parametrize(
    "write",
    ["(job.output / 'large').write_bytes(bytes(1 << 20))", "np.save(job.output / 'large', np.zeros(1 << 17))"],
    ids=["Python", "numpy, which reports no number"],
)
def test_a_full_disk_is_explained_and_earlier_results_stay(workspace, write):
    runner.run_stage("group", workspace.plan(workspace.convert()), 1)
    before = workspace.content()
    target = workspace.plan(workspace.convert(images=4))
    if ROOT:
        prefix = ("unshare", "--mount", "sh", "-c", SMALL_DISK, "sh")
        done = workspace.start(target, FILL.format(write=write), prefix)
    else:
        done = workspace.start(target, FILL.format(write="Path('/dev/full').write_bytes(bytes(1 << 20))"))
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(
        r"ERROR: cannot write \S+: the disk is full. Free some space, then run the same command again. "
        r"Earlier results are as they were.\n" + re.escape(workspace.where_the_log_is),
        done.stderr,
    )
    assert workspace.content() == before
    assert workspace.leftovers() == []


def test_what_is_not_the_disks_fault_is_not_blamed_on_it(workspace):
    target = workspace.plan(workspace.convert())
    done = workspace.start(target, FILL.format(write="Path('nowhere').read_bytes()"))
    assert done.returncode == 1
    assert "FileNotFoundError: [Errno 2] No such file or directory: 'nowhere'" in done.stderr
    assert "ERROR: " not in done.stderr


def test_a_read_only_folder_is_explained_and_earlier_results_stay(workspace):
    runner.run_stage("group", workspace.plan(workspace.convert()), 1)
    before = workspace.content()
    target = workspace.plan(workspace.convert(images=4))
    data = workspace.folder / "data"
    if ROOT:
        mount = 'mount --bind data data && mount -o remount,ro,bind data && exec "$@"'
        done = workspace.start(target, prefix=("unshare", "--mount", "sh", "-c", mount, "sh"))
        reason = "the file system is read-only. Make it writable, or work in a copy of the project elsewhere"
    else:
        for path in data.glob(".lock-*"):
            path.unlink()
        data.chmod(0o555)
        done = workspace.start(target)
        data.chmod(0o755)
        reason = "permission is denied. Make the folder writable for you"
    assert done.returncode == 2
    assert done.stderr == (
        f"ERROR: cannot write data/.lock-convert: {reason}, then run the same command again. "
        f"Earlier results are as they were.\n{workspace.where_the_log_is}"
    )
    assert workspace.content() == before


def test_stages_that_differ_in_their_images_share_a_module():
    assert {
        stage: stage_list.module_of(stage)
        for stage in stage_list.stages(PROJECT)
        if stage_list.module_of(stage) != f"steps.{stage}"
    } == {
        "bottlenecks_original": "steps.bottlenecks",
        "bottlenecks_augmented": "steps.bottlenecks",
        "bottlenecks_test": "steps.bottlenecks",
        "train_baseline": "steps.train",
        "train_augmented": "steps.train",
    }


def test_the_modules_of_controls_and_of_the_article_lie_in_their_rooms():
    found = {stage: stage_list.module_of(stage) for stage in ("leakage", "tuning", "convert", "nowhere")}
    assert found == {
        "leakage": "controls.leakage",
        "tuning": "article.tuning",
        "convert": "steps.convert",
        "nowhere": "steps.nowhere",
    }


def shard_of(workspace: Workspace, target: Path, number: int, **other: Any) -> Path:
    """Finish a shard of the plan of a receipt; return the shard's own receipt."""
    planned = {**plan.fetch(target.stem.removeprefix("receipt-")), "shard": [number, 2], **other}
    workspace.finish(f"shards/group_{number}_of_2", planned, {"results.csv": "file\n"})
    return Path(f"data/shards/group_{number}_of_2", receipt.name(receipt.plan_hash(planned)))


def test_a_stage_is_given_the_shards_of_its_own_plan(workspace, monkeypatch):
    target = workspace.plan(workspace.convert())
    parts = [shard_of(workspace, target, number) for number in (1, 2)]
    given = []
    monkeypatch.setattr(runner, "_module", lambda stage: SimpleNamespace(run=lambda job: given.append(job) or "made"))
    assert runner.run_stage("group", target, 1, parts) == "made"
    assert given[0].shards == tuple(part.parent for part in parts)
    assert (given[0].shard, given[0].whole) == (None, None)


@pytest.mark.parametrize("wrong", ["another plan", "damage", "gone"])
def test_what_is_no_shard_of_the_plan_or_is_damaged_is_refused(workspace, wrong):
    target = workspace.plan(workspace.convert())
    part = shard_of(workspace, target, 1, **({"raw": "0"} if wrong == "another plan" else {}))
    if wrong == "damage":
        (part.parent / "results.csv").write_text("files\n")
    if wrong == "gone":
        shutil.rmtree(part.parent)
    with pytest.raises(HuskyError) as error:
        runner.run_stage("group", target, 1, [part])
    assert str(error.value) == (
        "data/shards/group_1_of_2 is not as its receipt says: results.csv. "
        "Delete the folder and run the same command again."
        if wrong == "damage"
        else "data/shards/group_1_of_2 is no shard of this run, or no longer. Run the same command again."
    )
    assert not workspace.group.exists()


@pytest.mark.parametrize("held", [False, True])
def test_a_shard_is_made_in_its_own_folder_and_given_what_the_stage_has_unless_a_run_builds_that(
    workspace, monkeypatch, held
):
    above = workspace.convert()
    runner.run_stage("group", workspace.plan(above), 1)
    target = workspace.plan(above, shard=[2, 7])
    target = Path("data/shards/group_2_of_7", target.name)
    planned = plan.fetch(target.stem.removeprefix("receipt-"))
    given = Path("data/convert", receipt.name(planned["inputs"]["convert"]))
    jobs = []

    def run(job: Any) -> str:
        jobs.append(job)
        (job.output / "results.csv").write_text("file\n")
        return "made"

    monkeypatch.setattr(runner, "_module", lambda stage: SimpleNamespace(run=run))
    with stage_folder.lock(workspace.group, fcntl.LOCK_EX) if held else contextlib.nullcontext():
        assert runner.run_stage("group", target, 1, [given]) == "shard 2 of 7: made"
    assert jobs[0].whole == (None if held else Path("data/shards").parent / "group")
    assert jobs[0].shard == (2, 7)
    assert receipt.damage(target.parent) == []
    assert workspace.content().keys() == {"conflicts.csv", "groups.csv", "near.csv"} | {
        path.name for path in workspace.group.glob("receipt-*")
    }
