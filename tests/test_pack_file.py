"""pack_file: the same files are the same archive, and come out of it as they went in."""

import os
import tarfile
from pathlib import Path

import pytest
from huskies.errors import HuskyError
from huskies.planning import pack_file

# Longer than the field of a name in the old format of archives, and with letters that it has not.
NAMES = ["b.csv", "a/café.jpg", f"a/{'long' * 40}/{'name' * 40}.jpg"]


def fill(folder: Path, names=NAMES) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_files_are_the_same_bytes_whenever_and_by_whomever_they_were_made(tmp_path):
    for name, order, mode, seconds in (("first", NAMES, 0o600, 1), ("second", NAMES[::-1], 0o755, 10**9)):
        folder = fill(tmp_path / name, order)
        for path in folder.rglob("*"):
            os.chmod(path, mode | 0o100 * path.is_dir())
            os.utime(path, (seconds, seconds))
        pack_file.write(tmp_path / f"{name}.tar", pack_file.below(folder, "split"))
    first = (tmp_path / "first.tar").read_bytes()
    assert first == (tmp_path / "second.tar").read_bytes()
    with tarfile.open(tmp_path / "first.tar", "r:") as tar:
        described = tar.getmembers()
    assert [each.name for each in described] == sorted(f"split/{name}" for name in NAMES)
    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname, each.mode) for each in described} == {
        (0, 0, 0, "", "", 0o644)
    }


def test_files_come_out_as_they_went_in(tmp_path):
    folder = fill(tmp_path / "folder")
    pack_file.write(tmp_path / "packs/x.tar", pack_file.below(folder, "split"))
    assert os.listdir(tmp_path / "packs") == ["x.tar"]
    pack_file.extract(tmp_path / "packs/x.tar", tmp_path / "out")
    assert content(tmp_path / "out/split") == content(folder)


def test_a_file_alone_is_packed_by_the_name_it_is_given(tmp_path):
    fill(tmp_path, ["mini.h5"])
    assert pack_file.below(tmp_path / "mini.h5", "backbones/mini.h5") == {"backbones/mini.h5": tmp_path / "mini.h5"}


def test_what_is_there_already_stays(tmp_path):
    pack_file.write(tmp_path / "x.tar", pack_file.below(fill(tmp_path / "in"), "kept"))
    (tmp_path / "out/kept/a").mkdir(parents=True)
    (tmp_path / "out/kept/b.csv").write_text("mine")
    pack_file.add(tmp_path / "x.tar", tmp_path / "out")
    assert content(tmp_path / "out/kept") == content(tmp_path / "in") | {"b.csv": b"mine"}


def test_an_archive_that_leads_out_of_the_folder_is_refused(tmp_path):
    pack_file.write(tmp_path / "x.tar", {"../escaped": fill(tmp_path / "in") / "b.csv"})
    for unpack in (pack_file.extract, pack_file.add):
        with pytest.raises(HuskyError, match=r"x\.tar is no sound archive: "):
            unpack(tmp_path / "x.tar", tmp_path / "out/folder")
    assert not (tmp_path / "out/escaped").exists()


@pytest.mark.parametrize("left", [0, 100, 700])
def test_an_archive_that_is_cut_short_is_named_with_what_to_do(tmp_path, left):
    pack_file.write(tmp_path / "x.tar", pack_file.below(fill(tmp_path / "in"), "split"))
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:left])
    with pytest.raises(HuskyError, match=r"x\.tar is no sound archive: .*Delete it from the bucket, and run the same"):
        pack_file.extract(tmp_path / "x.tar", tmp_path / "out")
