"""record: DVC is told of what is true, of nothing else, and only when it is news."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import BELOW_AUGMENT, PROJECT, do
from huskies import receipt
from huskies.planning import experiment, params, plan, record, stage_list
from ruamel.yaml import YAML

STAGES = list(stage_list.tracked(PROJECT))
ABOVE_METRICS = STAGES[: STAGES.index("metrics")]
BELOW_LEAKS = ("leaks", "metrics", "report")
BESIDE_LEAKS = [name for name in STAGES if name not in BELOW_LEAKS]
RECORDED = f"recorded in dvc.lock: {', '.join(STAGES)}"


def sound(name: str) -> str:
    """Return the text of a dvc.lock that can be read, one for each name."""
    return f"schema: '2.0'\nstages: {{}}\n# {name}\n"


class Dvc:
    """Stands in for DVC: keeps the commands, writes a dvc.lock, and fails where it is told to."""

    def __init__(self):
        self.commands: list[tuple[str, ...]] = []
        self.lock = "first"
        self.failures: dict[str, str] = {}

    def __call__(self, *arguments: str) -> str:
        self.commands.append(arguments)
        if arguments[0] not in self.failures and arguments[0] == "commit":
            Path("dvc.lock").write_text(sound(self.lock))
        if arguments[0] not in self.failures and arguments[0] == "add":
            Path(f"{arguments[1]}.dvc").write_text("outs:\n- md5: 0.dir\n  path: final\n")
        return self.failures.get(arguments[0], "")

    def said(self) -> list[str]:
        """Return the first word of each command since the last call."""
        said = [arguments[0] for arguments in self.commands]
        self.commands.clear()
        return said


@pytest.fixture
def dvc(monkeypatch) -> Dvc:
    fake = Dvc()
    monkeypatch.setattr(record, "tell_dvc", fake)
    monkeypatch.setattr(experiment, "save", lambda name, files: fake("exp", name, *files))
    return fake


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch) -> Path:
    """A workspace with the project's own code and parameters, one image, and nothing built."""
    shutil.copytree(PROJECT / "workflow", tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        "dvc.yaml",
        "params.yaml",
        "ledger.csv",
        "corrections.csv",
        "pairs.csv",
        "backbones/mini.weights.h5",
        "data/digits/0/0000.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plans() -> dict[str, dict[str, Any]]:
    return plan.all_plans(params.load())


def build(*names: str) -> None:
    """Make the folders of stages anew, as their plans of now say."""
    planned = plans()
    for name in names:
        building = Path("data", f".{name}")
        building.mkdir()
        (building / "made.txt").write_text(f"made by {name}")
        receipt.write(building, planned[name])
        shutil.rmtree(Path("data", name), ignore_errors=True)
        building.rename(Path("data", name))


def set_seed(section: str, seed: int) -> None:
    yaml = YAML()
    values = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    values[section]["seed"] = seed
    with open("params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(values, file)


def add_line(path: str, line: str) -> None:
    Path(path).write_text(Path(path).read_text(encoding="utf-8") + line, encoding="utf-8")


def edit_receipt(stage: str, edit: Callable[[dict[str, Any]], None]) -> None:
    path = next(Path("data", stage).glob("receipt-*.json"))
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_every_stage_that_is_as_its_plan_and_receipt_say_is_true():
    build(*STAGES)
    assert record.true_stages(plans()) == STAGES


def test_nothing_is_true_before_anything_is_built():
    assert record.true_stages(plans()) == []


def test_the_test_stage_is_never_told_to_dvc(dvc):
    build(*STAGES, "test")
    assert record.true_stages(plans()) == STAGES
    record.run()
    assert all("test" not in command for command in dvc.commands)


BESIDE_AUGMENT = [name for name in STAGES if name not in BELOW_AUGMENT]


@pytest.mark.parametrize(
    ("harm", "left"),
    [
        (lambda: set_seed("aug", 7), BESIDE_AUGMENT),
        (lambda: set_seed("split", 7), ["convert", "group"]),
        (
            lambda: set_seed("train", 7),
            [name for name in STAGES if name not in BELOW_LEAKS and name != "cross_validation" and "train" not in name],
        ),
        (lambda: Path("data/digits/0/0000.png").write_bytes(b"other"), []),
        (lambda: add_line("workflow/huskies/steps/leaks.py", "\n_ONE_MORE = 1\n"), BESIDE_LEAKS),
        (lambda: Path("data/convert/made.txt").write_text("overwritten"), []),
        (lambda: Path("data/group/made.txt").unlink(), ["convert"]),
        (lambda: Path("data/leaks/more.txt").write_text("foreign"), BESIDE_LEAKS),
        (lambda: shutil.rmtree("data/metrics"), ABOVE_METRICS),
        (lambda: shutil.rmtree("data/split"), ["convert", "group"]),
        (lambda: next(Path("data/metrics").glob("receipt-*")).unlink(), ABOVE_METRICS),
        (lambda: edit_receipt("metrics", lambda content: content["outputs"].clear()), ABOVE_METRICS),
        (lambda: edit_receipt("metrics", lambda content: content["plan"].update(stage="leaks")), ABOVE_METRICS),
    ],
    ids=[
        "parameter of augment",
        "parameter of split",
        "parameter of the trainings",
        "other images",
        "code of leaks",
        "overwritten at the top",
        "a file less",
        "a foreign file",
        "not built at the end",
        "not built in the middle",
        "no receipt",
        "another list of files",
        "another plan",
    ],
)
def test_what_is_stale_or_damaged_is_left_out_with_all_below_it(harm, left):
    build(*STAGES)
    harm()
    assert record.true_stages(plans()) == left


def test_a_comment_makes_nothing_untrue():
    build(*STAGES)
    add_line("workflow/huskies/steps/leaks.py", "\n# a remark\n")
    assert record.true_stages(plans()) == STAGES


def test_a_complete_run_is_committed_and_saved_as_an_experiment(dvc):
    build(*STAGES)
    name = f"run-{receipt.plan_hash(plans()['metrics'])[:8]}"
    assert record.run() == f"{RECORDED}; saved as experiment {name}"
    assert dvc.commands == [
        ("commit", "--force", "dvc.yaml"),
        ("exp", name, "dvc.lock", *stage_list.shown()),
    ]


def test_what_is_handed_over_is_kept_by_a_file_of_its_own_once_and_while_it_is_true(dvc):
    build(*STAGES, "final")
    assert record.run().endswith("; data/final is kept by data/final.dvc")
    assert ("add", "data/final") in dvc.commands
    dvc.said()
    assert not record.needed(plans())
    record.run()
    assert "add" not in dvc.said()
    Path("data/final.dvc").unlink()
    assert record.needed(plans())
    set_seed("train", 2)
    assert "data/final" not in record.run()
    assert "add" not in dvc.said()


def test_a_failing_add_is_reported(dvc):
    build(*STAGES, "final")
    dvc.failures["add"] = "ERROR: no space"
    assert record.run().endswith("; not kept: dvc add data/final failed: ERROR: no space")


@pytest.mark.parametrize("kept", ["data/digits.dvc", "data.dvc"])
def test_raw_images_that_dvc_keeps_are_saved_as_they_are_now(dvc, kept):
    build(*STAGES)
    Path(kept).write_text("outs: []\n")
    record.run()
    assert dvc.commands[0] == ("commit", "--force", "dvc.yaml", kept)


def test_a_run_that_changes_nothing_in_dvc_lock_saves_no_experiment(dvc):
    build(*STAGES)
    Path("dvc.lock").write_text(sound(dvc.lock))
    assert record.run() == f"dvc.lock is up to date: {', '.join(STAGES)}"
    assert dvc.said() == ["commit"]


@pytest.mark.parametrize("missing", ["metrics", "bottlenecks_test"])
def test_a_run_of_some_stages_records_those_and_saves_no_experiment(dvc, missing):
    build(*STAGES)
    shutil.rmtree(Path("data", missing))
    true = record.true_stages(plans())
    assert missing not in true
    made_from = [name for name in STAGES if name not in (*true, missing)]
    rest = f", and what is made from it: {', '.join(made_from)}" if made_from else ""
    assert record.run() == f"recorded in dvc.lock: {', '.join(true)}; left out: {missing} (not built){rest}"
    assert dvc.commands == [("commit", "--force", *true)]


def test_without_a_true_stage_dvc_is_not_asked(dvc):
    assert record.run() == "not recorded: no stage is complete, with all above it, and as params.yaml says"
    assert dvc.said() == []
    assert not record.needed(plans())


def test_a_folder_without_dvc_is_left_alone(dvc):
    build(*STAGES)
    shutil.rmtree(".dvc")
    assert not record.needed(plans())
    assert record.run() == "not recorded: this folder is no DVC repository"
    assert dvc.said() == []
    assert not record.MARKER.exists()


def test_recording_is_needed_until_it_is_done_and_then_not(dvc):
    assert not record.needed(plans())
    build(*STAGES)
    assert record.needed(plans())
    record.run()
    assert not record.needed(plans())
    assert {path.name for path in record.MARKER.parent.iterdir()} == {record.MARKER.name, "recording"}


def touch() -> None:
    """Write every file again, with its own content."""
    for path in [*Path("workflow").rglob("*.py"), Path("dvc.lock")]:
        path.write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        (lambda: add_line("workflow/huskies/steps/leaks.py", "\n# a remark\n"), True),
        (lambda: add_line("workflow/huskies/steps/leaks.py", "\n_ONE_MORE = 1\n"), True),
        (lambda: add_line("workflow/huskies/planning/record.py", "\n_ONE_MORE = 1\n"), False),
        (lambda: Path("dvc.lock").write_text(sound("of another commit")), True),
        (lambda: Path("dvc.lock").unlink(), True),
        (lambda: build("augment"), True),
        (lambda: shutil.rmtree("data/metrics"), True),
        (lambda: set_seed("aug", 7), True),
        (lambda: record.MARKER.unlink(), True),
        (lambda: record.MARKER.write_text(""), True),
        (lambda: build("test"), False),
        (lambda: add_line("params.yaml", "\n# a remark\n"), False),
        (touch, False),
    ],
    ids=[
        "a comment in code",
        "code",
        "code of no stage",
        "another dvc.lock",
        "no dvc.lock",
        "a folder built again",
        "a folder less",
        "another parameter",
        "no marker",
        "an empty marker",
        "the test stage",
        "a comment in params.yaml",
        "the same bytes again",
    ],
)
def test_recording_is_needed_again_after_all_that_dvc_goes_by(dvc, change, needed):
    build(*STAGES)
    record.run()
    assert not record.needed(plans())
    change()
    assert record.needed(plans()) is needed
    record.run()
    assert not record.needed(plans())


def committed(dvc: Dvc) -> list[str]:
    """Return the stages that DVC was told of since the last call."""
    found = [stage for command in dvc.commands if command[0] == "commit" for stage in command[2:]]
    dvc.commands.clear()
    return STAGES if found == ["dvc.yaml"] else found


def test_what_dvc_was_told_of_last_time_is_not_told_again(dvc):
    build(*STAGES)
    record.run()
    assert committed(dvc) == STAGES
    add_line("workflow/huskies/page/charts.py", "\n# a remark\n")
    build("augment")
    dvc.lock = "second"
    assert record.run().startswith(f"{RECORDED}; saved as experiment run-")
    assert committed(dvc) == ["augment", "report"]


def test_a_stage_that_was_not_true_the_last_time_is_told_of_once_it_is(dvc):
    build(*STAGES)
    shutil.rmtree("data/split")
    record.run()
    assert committed(dvc) == ["convert", "group"]
    build("split")
    record.run()
    assert committed(dvc) == STAGES[STAGES.index("split") :]


@pytest.mark.parametrize("harm", [b"", b"[]", b"{", b'{"seen": {}}', b"an earlier version's"])
def test_without_a_marker_that_can_be_read_dvc_is_told_of_everything(dvc, harm):
    build(*STAGES)
    record.run()
    committed(dvc)
    record.MARKER.write_bytes(harm)
    record.run()
    assert committed(dvc) == STAGES


def test_another_dvc_lock_than_the_last_record_left_is_told_of_everything(dvc):
    build(*STAGES)
    record.run()
    committed(dvc)
    Path("dvc.lock").write_text(sound("of another commit"))
    record.run()
    assert committed(dvc) == STAGES


def test_going_back_to_earlier_code_is_recorded_too(dvc):
    build(*STAGES)
    path = Path("workflow/huskies/steps/leaks.py")
    before = path.read_text(encoding="utf-8")
    record.run()
    path.write_text(f"{before}# a remark\n", encoding="utf-8")
    record.run()
    path.write_text(before, encoding="utf-8")
    assert record.needed(plans())


def test_a_failing_commit_is_reported_saves_nothing_and_is_tried_again(dvc):
    build(*STAGES)
    dvc.failures = {"commit": "ERROR: no space"}
    assert record.run() == "not recorded: dvc commit failed: ERROR: no space"
    assert dvc.said() == ["commit"]
    assert record.needed(plans())
    dvc.failures = {}
    assert record.run().startswith(f"{RECORDED}; saved as experiment run-")
    assert not record.needed(plans())


def test_a_failing_commit_leaves_an_earlier_mark_that_no_longer_fits(dvc):
    build(*STAGES)
    record.run()
    build("augment")
    dvc.failures = {"commit": "ERROR: no space"}
    assert record.run() == "not recorded: dvc commit failed: ERROR: no space"
    assert record.needed(plans())


def test_a_failing_save_is_reported_beside_what_is_recorded(dvc):
    build(*STAGES)
    dvc.failures = {"exp": "ERROR: no git"}
    assert record.run() == f"{RECORDED}; not saved as an experiment: ERROR: no git"
    assert record.needed(plans())
    dvc.failures = {}
    assert record.run().startswith(f"{RECORDED}; saved as experiment run-")
    assert not record.needed(plans())


def test_the_name_of_an_experiment_says_which_plan_it_is_of(dvc):
    build(*STAGES)
    first = record.run()
    set_seed("train", 7)
    build(*STAGES)
    dvc.lock = "second"
    second = record.run()
    set_seed("train", 1)
    build(*STAGES)
    dvc.lock = "first"
    assert record.run() == first != second


HELP = "Having any troubles? Hit us up at https://dvc.org/support, we are always happy to help!"
UNEXPECTED = "ERROR: unexpected error - no space"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("", ""),
        ("print('a word'); sys.stderr.write('first\\nERROR: last\\n\\n'); sys.exit(3)", "ERROR: last"),
        (f"sys.stderr.write('ERROR: unexpected error - no space\\n\\n{HELP}'); sys.exit(255)", UNEXPECTED),
        (f"sys.stderr.write('ERROR: unexpected error - no space\\nmore\\n{HELP}'); sys.exit(255)", UNEXPECTED),
        ("print('only this'); sys.exit(1)", "only this"),
        ("sys.exit(7)", "exit status 7"),
        ("sys.stderr.write('a warning'); sys.exit(0)", ""),
    ],
)
def test_of_a_failure_of_dvc_its_reason_is_said_and_not_its_offer_of_help(monkeypatch, program, said):
    def run(command: list[str], **more: Any) -> subprocess.CompletedProcess:
        assert command == [sys.executable, "-m", "dvc", "commit", "--quiet"]
        return original([sys.executable, "-c", f"import sys; {program}"], **more)

    original = subprocess.run
    monkeypatch.setattr(record.subprocess, "run", run)
    assert record.tell_dvc("commit", "--quiet") == said


BUSY = "Unable to acquire lock. Most likely another DVC process is running"


@pytest.mark.parametrize("said", [BUSY, "'data/convert' is busy, it is being blocked by:\n  (PID 7): dvc repro"])
def test_another_dvc_is_waited_for_and_in_the_end_named(monkeypatch, said):
    answers = [(1, said), (1, said), (0, "")]
    monkeypatch.setattr(record.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(
        record.subprocess,
        "run",
        lambda command, **more: subprocess.CompletedProcess(command, *answers.pop(0)[:1], "", said),
    )
    assert record.tell_dvc("commit") == ""
    assert answers == []
    answers = [(1, said)] * 2
    monkeypatch.setattr(record, "_PATIENCE", -1)
    assert record.tell_dvc("commit") == said.splitlines()[-1]
    assert len(answers) == 1


def test_a_record_that_is_still_at_work_is_waited_for(dvc, monkeypatch):
    build(*STAGES)
    Path(".snakemake").mkdir(exist_ok=True)
    with open(".snakemake/recording", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        monkeypatch.setattr(record.time, "sleep", lambda seconds: fcntl.flock(file, fcntl.LOCK_UN))
        assert record.run().startswith("recorded in dvc.lock: convert, ")
        fcntl.flock(file, fcntl.LOCK_EX)
        monkeypatch.setattr(record, "_PATIENCE", -1)
        assert record.run() == "not recorded: another run is still telling DVC of what it built"


def test_needed_reads_no_file_that_a_stage_made(monkeypatch):
    build(*STAGES)
    opened = []
    real = hashlib.sha256
    monkeypatch.setattr(record, "_digest", lambda path: opened.append(path) or real(str(path).encode()).hexdigest())
    record.needed(plans())
    assert opened
    # DVC's own note of the folder that is handed over lies beside it.
    assert [path for path in opened if path.parts[0] == "data"] == [Path("data/final.dvc")]


@pytest.mark.long
def test_half_a_lock_and_an_empty_note_that_an_interrupted_dvc_has_left_are_put_right_by_the_same_command(built):
    lock = built.folder / "dvc.lock"
    sound = lock.read_bytes()
    lock.write_bytes(sound[: len(sound) // 2])
    (built.folder / ".dvc/tmp/rwlock").write_bytes(b"")
    do(built, "snakemake", "--cores", "2", "report")
    assert lock.read_bytes() == sound
    assert do(built, "dvc", "status").strip() == "Data and pipelines are up to date."


def test_raw_images_that_nobody_tracks_are_named_with_the_fix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "others", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"x")
    # Without a repository there is nothing to say.
    assert record._untracked(Path("photos")) == ""
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run(["git", "add", "others"], check=True)
    (tmp_path / "kept.dvc").touch()
    assert record._untracked(Path("photos")) == (
        "; neither git nor DVC has photos, so that dvc exp run --temp and --queue cannot find it: dvc add photos"
    )
    for tracked in (Path("others"), Path("kept"), tmp_path / "photos", Path("absent")):
        assert record._untracked(tracked) == ""
