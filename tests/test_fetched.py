"""fetched: a folder is taken as it is, anything else is asked of DVC, and what it cannot get is said."""

from pathlib import Path
from typing import ClassVar

import pytest
from huskies.errors import HuskyError
from huskies.model import fetched


class Repository:
    """Stands in for DVCFileSystem: has data/final at v1 alone."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, place: str, rev: str):
        self.asked.append((place, rev))
        if rev != "v1":
            raise ValueError(f"unknown Git revision '{rev}'.\nand more")

    def get(self, there: str, here: str, recursive: bool) -> None:
        assert (there, recursive) == ("data/final", True)
        Path(here).mkdir()
        Path(here, "final.json").write_text("{}")


@pytest.fixture(autouse=True)
def _dvc(monkeypatch, tmp_path):
    import dvc.api

    monkeypatch.setattr(dvc.api, "DVCFileSystem", Repository)
    monkeypatch.chdir(tmp_path)
    Repository.asked.clear()


def test_a_folder_is_itself_even_with_an_at_in_its_name():
    Path("a@b").mkdir()
    with fetched.at("a@b") as place:
        assert place == Path("a@b")
    assert Repository.asked == []


@pytest.mark.parametrize(
    ("named", "repository"),
    [("git@host.org:me/flowers@v1", "git@host.org:me/flowers"), ("../flowers@v1", "../flowers"), ("@v1", ".")],
)
def test_what_stands_after_the_last_at_is_the_revision_and_what_was_fetched_is_gone_afterwards(named, repository):
    with fetched.at(named) as place:
        assert (place / "final.json").read_text() == "{}"
    assert not place.exists()
    assert Repository.asked == [(repository, "v1")]


@pytest.mark.parametrize("named", ["nowhere", "nowhere@"])
def test_neither_folder_nor_revision_is_refused(named):
    with pytest.raises(HuskyError) as error, fetched.at(named):
        pass
    assert str(error.value) == (
        f"there is no folder {named}. Name the folder of a classifier, as data/final, or repository@revision."
    )


def test_what_dvc_says_is_told_in_a_line():
    with pytest.raises(HuskyError) as error, fetched.at("flowers@v2"):
        pass
    assert str(error.value) == (
        "cannot get data/final of flowers at v2: unknown Git revision 'v2'. See that git has the revision, that it has "
        "data/final.dvc, and that it was pushed: dvc push"
    )


@pytest.mark.parametrize(
    ("named", "repository", "revision"),
    [
        ("../clone@v1", "../clone", "v1"),
        ("@v1", "", "v1"),
        ("git@host.example:team/photos@main", "git@host.example:team/photos", "main"),
        ("git@host.example:team/photos@classifier@v0.0.1", "git@host.example:team/photos", "classifier@v0.0.1"),
        ("@classifier@v1.2.3-rc1", "", "classifier@v1.2.3-rc1"),
        ("../clone", "", ""),
    ],
)
def test_a_revision_may_be_a_tag_that_gto_has_made(named, repository, revision):
    assert fetched.split(named) == (repository, revision)
