"""restore: what DVC has recorded is lent for as long as it is used, and what cannot be had stops nothing."""

from pathlib import Path

import dvc.api
import pytest
from conftest import bare_job
from huskies import restore

RECORDED = {"index.csv": "one", "features.npy": "two"}


class Recorded:
    """Stands for DVC's files: those of RECORDED."""

    def ls(self, path: str, detail: bool) -> list[str]:
        return [f"{path}/{name}" for name in RECORDED]

    def get_file(self, path: str, to: str) -> None:
        Path(to).write_text(RECORDED[Path(path).name])


class Missing(Recorded):
    """Stands for a dvc.lock that does not know the stage."""

    def ls(self, path: str, detail: bool) -> list[str]:
        raise FileNotFoundError(path)


class Unreachable(Recorded):
    """Stands for a remote that cannot be reached."""

    def get_file(self, path: str, to: str) -> None:
        raise OSError("no route")


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").touch()
    return bare_job("group", Path(".group-0123"))


def lent(job) -> dict[str, str] | None:
    with restore.output(job, lambda name: name.endswith(".csv")) as folder:
        found = folder and {path.name: path.read_text() for path in folder.iterdir()}
    assert [path.name for path in Path().iterdir()] in (["dvc.lock"], [])
    return found


def test_the_files_that_are_wanted_are_lent_and_gone_afterwards(job, monkeypatch):
    monkeypatch.setattr(dvc.api, "DVCFileSystem", Recorded)
    assert lent(job) == {"index.csv": "one"}


def test_where_nothing_is_recorded_nothing_is_lent_or_said(job, monkeypatch, capsys):
    monkeypatch.setattr(dvc.api, "DVCFileSystem", Missing)
    assert lent(job) is None
    assert capsys.readouterr().err == ""


def test_what_cannot_be_had_is_said_in_one_line(job, monkeypatch, capsys):
    monkeypatch.setattr(dvc.api, "DVCFileSystem", Unreachable)
    assert lent(job) is None
    assert capsys.readouterr().err == "group: nothing taken over from DVC: no route\n"


@pytest.mark.parametrize("anew", [True, False])
def test_dvc_is_not_asked_for_what_is_made_anew_or_was_never_recorded(job, monkeypatch, anew):
    monkeypatch.setattr(dvc.api, "DVCFileSystem", lambda: pytest.fail("DVC was asked"))
    if not anew:
        Path("dvc.lock").unlink()
    assert lent(bare_job("group", job.output, anew=anew)) is None
