"""kept_settings: each setting becomes an experiment of DVC's, of true results alone; the workspace stays as it is."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT
from dvc.repo import Repo
from huskies import receipt
from huskies.experiments import kept_settings, setting_flows
from huskies.experiments.setting_table import Setting
from huskies.planning import params, record, stage_list
from huskies.planning.flow import Flow
from ruamel.yaml import YAML

STAGES = list(stage_list.tracked(PROJECT))


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def flow(number: int) -> Flow:
    """Return the flow of a setting, whose results are there."""
    plans = {stage: {"stage": stage, "inputs": {}, "params": {}, "raw": None, "of": number} for stage in STAGES}
    roots = {stage: f"{setting_flows.ROOT}/{digest}" for stage, digest in Flow({}, plans).hashes.items()}
    made = Flow({}, plans, shared=roots)
    shown = [file.split("/", 2)[1:] for file in stage_list.shown()]
    for stage in STAGES:
        folder = Path(made.receipt(stage)).parent
        folder.mkdir(parents=True)
        for file in [file for of, file in shown if of == stage]:
            (folder / file).write_text(f"{file} of {number}")
        receipt.write(folder, plans[stage])
    return made


class Dvc:
    """Stands in for DVC: keeps what it is asked and where, writes a dvc.lock there, and fails if it is told to."""

    failure = ""

    def __init__(self):
        self.asked: list[tuple] = []

    def __call__(self, *arguments: str, folder: Path | None = None) -> str:
        self.asked.append((*arguments, folder))
        if folder:
            there = sorted(path.name for path in (folder / "data").iterdir() if not path.is_symlink())
            factor = YAML(typ="safe").load((folder / "params.yaml").read_text())["aug"]["factor"]
            (folder / "dvc.lock").write_text(f"factor {factor} of {', '.join(there)}")
        return self.failure


@pytest.fixture
def dvc(monkeypatch) -> Dvc:
    fake = Dvc()
    monkeypatch.setattr(record, "tell_dvc", fake)
    return fake


@pytest.fixture(autouse=True)
def flows(tmp_path, monkeypatch, dvc) -> list[tuple[Setting, Flow]]:
    """A repository of git's and DVC's as the current folder, and two settings whose results are there."""
    for name in ("dvc.yaml", "params.yaml", ".dvc/config", "data/.gitignore", ".gitignore"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    for name in ("workflow", "backbones", "pairs.csv", "corrections.csv", "ledger.csv"):
        (tmp_path / name).symlink_to(PROJECT / name)
    monkeypatch.chdir(tmp_path)
    Path("data/digits").mkdir()
    for arguments in (
        ("init", "--quiet"),
        ("config", "user.name", "Tester"),
        ("config", "user.email", "tester@example.org"),
        ("add", "dvc.yaml", "params.yaml", "data/.gitignore", ".gitignore", ".dvc/config"),
        ("commit", "--quiet", "--message", "First"),
    ):
        git(*arguments)
    made = [(Setting(line, f"{line}", {"aug.factor": f"{line}"}), flow(line)) for line in (2, 3)]
    monkeypatch.setattr(setting_flows, "flows", lambda main, overrides: made)
    return made


def names(flows: list[tuple[Setting, Flow]]) -> list[str]:
    return [f"run-{flow.hashes['metrics'][:8]}" for _, flow in flows]


def refs() -> list[str]:
    return git("for-each-ref", "--format=%(refname)", "refs/exps").split()


def test_each_setting_is_an_experiment_with_its_parameters_its_lock_and_its_numbers(flows, dvc):
    Path("dvc.lock").write_text("the user's")
    before = {path: path.read_bytes() for path in (Path("params.yaml"), Path("dvc.lock"), Path(".git/index"))}
    assert kept_settings.run() == f"saved as experiments: {', '.join(names(flows))}"
    assert dvc.asked == [("commit", "--force", "--no-relink", "dvc.yaml", kept_settings.WORKSPACE)] * 2
    assert {path: path.read_bytes() for path in before} == before
    assert not kept_settings.WORKSPACE.exists()
    for ref in refs():
        number = names(flows).index(ref.rpartition("/")[2]) + 2
        assert git("show", f"{ref}:dvc.lock") == f"factor {number} of {', '.join(sorted(STAGES))}"
        assert git("show", f"{ref}:data/metrics/summary.json") == f"summary.json of {number}"
        written = git("show", f"{ref}:params.yaml")
        expected = params.read()
        expected["aug"]["factor"] = number
        assert YAML(typ="safe").load(written) == expected
        assert "\n  # Copies of each training image; 0 for none.\n" in written
        named = git("ls-tree", "-r", "--name-only", ref).split()
        assert set(stage_list.shown()) == {each for each in named if each.startswith("data/") and each[5] != "."}
    assert sorted(ref.rpartition("/")[2] for ref in refs()) == sorted(names(flows))


def test_what_is_an_experiment_already_is_not_made_again(flows, dvc):
    kept_settings.run()
    dvc.asked.clear()
    first = refs()
    assert kept_settings.run() == f"all settings are experiments of DVC's already: {', '.join(names(flows))}"
    git("update-ref", "-d", first[0])
    gone = first[0].rpartition("/")[2]
    assert kept_settings.run() == f"saved as experiments: {gone}"
    assert len(dvc.asked) == 1
    assert refs() == first


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda folder: (folder / "summary.json").write_text("5"), " is not as its receipt says: summary.json"),
        (shutil.rmtree, "not built"),
    ],
)
def test_what_is_not_as_its_plan_says_is_no_experiment_and_the_others_are(flows, harm, reason):
    harm(Path(flows[0][1].receipt("metrics")).parent)
    said = kept_settings.run()
    one, other = names(flows)
    assert said.startswith(f"saved as experiments: {other}; not saved as experiment {one}: metrics (")
    assert reason in said
    assert [ref.rpartition("/")[2] for ref in refs()] == [other]


def test_a_failing_dvc_is_reported_and_saves_nothing(flows, dvc):
    dvc.failure = "ERROR: no space"
    one, other = names(flows)
    assert kept_settings.run() == (
        f"not saved as experiment {one}: dvc commit failed: ERROR: no space; "
        f"not saved as experiment {other}: dvc commit failed: ERROR: no space"
    )
    assert refs() == []
    assert not kept_settings.WORKSPACE.exists()


def test_raw_images_that_dvc_keeps_are_told_of_as_they_are_now(dvc):
    Path("data/digits.dvc").write_text("outs: []")
    kept_settings.run()
    assert dvc.asked[0] == ("commit", "--force", "data/digits.dvc", None)


def test_the_workspace_has_links_shares_the_cache_and_is_of_no_git(tmp_path):
    Path(".dvc/config.local").write_text(
        "[core]\n    autostage = true\n[cache]\n    type = symlink\n    dir = ../kept\n"
    )
    shutil.copytree(".git", ".snakemake/settings/.git")
    os.mkfifo("pipe")
    Path("photos.zip").symlink_to(PROJECT / "params.yaml")
    kept_settings._make_workspace()
    there = kept_settings.WORKSPACE
    assert (there / "photos.zip").read_bytes() == (PROJECT / "params.yaml").read_bytes()
    assert not (there / "pipe").exists()
    assert (there / "workflow").resolve() == (PROJECT / "workflow").resolve()
    assert (there / "data/digits").is_symlink()
    assert sorted(path.name for path in (there / "data").iterdir()) == ["digits", "experiment_stages"]
    assert not (there / ".git").exists()
    with Repo(str(there)) as repo:
        assert repo.cache.local.path == str(tmp_path / "kept/files/md5")
        assert repo.config["core"]["no_scm"] is True


def test_a_folder_without_dvc_and_a_record_at_work_are_left_alone(monkeypatch, dvc):
    monkeypatch.setattr(record, "alone", lambda held: False)
    assert kept_settings.run() == (
        "settings not saved as experiments: another run is still telling DVC of what it built"
    )
    shutil.rmtree(".dvc")
    assert kept_settings.run() == "settings not saved as experiments: this folder is no DVC repository"
    assert dvc.asked == []


def test_a_killed_save_is_made_good_by_the_next(flows, monkeypatch):
    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(kept_settings, "_write_parameters", _killed)
        patch.setattr(shutil, "rmtree", lambda *given, **more: None)
        kept_settings.run()
    assert kept_settings.WORKSPACE.exists()
    assert params.read()["aug"]["factor"] == 5
    assert kept_settings.run() == f"saved as experiments: {', '.join(names(flows))}"


def _killed(*given) -> None:
    raise KeyboardInterrupt
