"""Nothing but files is opened in raw, and raw is a place of its own."""

import os
import re
import socket
from pathlib import Path

import pytest
from conftest import PROJECT
from huskies.errors import HuskyError, UnreadableImage
from huskies.images import raw, raw_files, tables
from huskies.planning import flow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a raw folder of two classes, from a workspace of short paths (sockets have room for few letters)."""
    monkeypatch.chdir(tmp_path)
    for name in ("cat/a.png", "dog/b.png"):
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    return Path("raw")


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


KINDS = {
    "a named pipe, and no file": os.mkfifo,
    "a socket, and no file": make_socket,
    "a device, and no file": lambda path: path.symlink_to("/dev/zero"),
    "a link that leads back to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "name", ["cat/x.jpg", "x.csv", "cat/notes", ".hidden", "cat/.x.png", "cat/Thumbs.db", "cat/.trash/deep/x"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_refused_by_name_and_never_opened(folder, kind, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    KINDS[kind](folder / name)
    for look in (raw.open_raw, raw_files.raw_digest):
        with pytest.raises(HuskyError) as refusal:
            look(folder)
        assert str(refusal.value) == f"raw/{name} is {kind}. Remove it."


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", KINDS)
def test_raw_itself_must_be_a_file_or_a_folder(folder, kind):
    KINDS[kind](Path("other"))
    for look in (raw.open_raw, raw_files.raw_digest):
        with pytest.raises(HuskyError) as refusal:
            look(Path("other"))
        assert str(refusal.value) == f"other is {kind}. Remove it."


def test_a_link_whose_target_is_gone_is_an_image_that_cannot_be_read(folder):
    (folder / "cat/gone.png").symlink_to("nowhere")
    raw_set = raw.open_raw(folder)
    assert [image.source for image in raw_set.images] == ["cat/a.png", "cat/gone.png", "dog/b.png"]
    with pytest.raises(FileNotFoundError):
        raw_set.read("cat/gone.png")
    assert raw_files.raw_digest(folder)


def test_raw_that_is_a_link_to_nowhere_is_absent(folder):
    Path("other").symlink_to("nowhere")
    assert raw_files.raw_digest(Path("other")) == "absent"
    with pytest.raises(HuskyError, match=r"^there is no other\. "):
        raw.open_raw(Path("other"))


def test_a_folder_that_cannot_be_read_is_named(folder, monkeypatch):
    (folder / "owl").mkdir()
    real = os.scandir

    # Root may read everything, so that the refusal is played here.
    def scandir(path):
        if str(path).endswith("owl"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for look in (raw.open_raw, raw_files.raw_digest):
        with pytest.raises(HuskyError) as refusal:
            look(folder)
        assert str(refusal.value) == ("cannot read raw/owl: Permission denied. Make it readable, or remove it.")


def test_an_unreadable_folder_that_a_disk_has_by_itself_is_passed_over(folder, monkeypatch):
    (folder / "lost+found").mkdir()
    real = os.scandir

    def scandir(path):
        if str(path).endswith("lost+found"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [image.label for image in raw.open_raw(folder).images] == ["cat", "dog"]
    assert raw_files.raw_digest(folder)


@pytest.mark.timeout(20)
def test_a_pipe_that_has_taken_a_file_s_place_is_not_waited_for(folder):
    raw_set = raw.open_raw(folder)
    (folder / "cat/a.png").unlink()
    os.mkfifo(folder / "cat/a.png")
    with pytest.raises(UnreadableImage, match=r"^cannot be read: it is no file$"):
        raw_set.read("cat/a.png")


def test_a_file_that_is_too_large_is_rejected_and_not_read(folder, monkeypatch):
    with open(folder / "cat/huge.png", "wb") as file:
        file.truncate(1 << 40)
    first = raw_files.raw_digest(folder)
    with pytest.raises(UnreadableImage, match=r"^more than 256 MiB$"):
        raw.open_raw(folder).read("cat/huge.png")
    os.truncate(folder / "cat/huge.png", 1 << 41)
    assert raw_files.raw_digest(folder) != first


def test_a_table_of_labels_that_is_too_large_is_refused(folder, monkeypatch):
    (folder / "t.csv").write_text("file,label\ncat/a.png,cat\ndog/b.png,dog\n")
    monkeypatch.setattr(tables, "LARGEST", 20)
    with pytest.raises(HuskyError, match=r"^raw/t\.csv has more than 0 MiB\. Leave out columns\.$"):
        raw.open_raw(folder)


@pytest.mark.parametrize(
    ("given", "how"),
    [
        (".", "holds data/convert"),
        ("..", "holds data/convert"),
        ("/", "holds data/convert"),
        ("data", "holds data/convert"),
        ("data/convert", "lies in data/convert"),
        ("data/convert/cat", "lies in data/convert"),
        ("data/photos/../convert", "lies in data/convert"),
        ("data/noise/noise_images/images", "lies in data/noise"),
        ("logs", "lies in logs"),
        (".git/x.zip", "lies in .git"),
        (".dvc/cache", "lies in .dvc"),
        ("linked", "holds data/convert"),
    ],
)
def test_raw_may_neither_hold_nor_lie_in_what_the_workflow_writes(folder, given, how):
    Path("linked").symlink_to("data")
    Path("data").mkdir()
    with pytest.raises(HuskyError) as refusal:
        raw_files.check_place(Path(given), ["convert", "group"])
    assert str(refusal.value) == (
        f"'raw' in params.yaml is {given}, which {how}, where the workflow keeps its own files. "
        "Move your images to a folder of their own, as data/photos."
    )


@pytest.mark.parametrize("given", ["data/digits", "raw", "data/converted", "../elsewhere", "data/photos.zip", "datas"])
def test_raw_may_be_anywhere_else(folder, given):
    raw_files.check_place(Path(given), ["convert", "group"])


def test_a_run_on_its_own_output_is_refused_before_anything_is_hashed(folder, monkeypatch):
    monkeypatch.setattr(raw_files, "raw_digest", None)
    monkeypatch.chdir(PROJECT)
    for given in (".", "data"):
        with pytest.raises(HuskyError, match=rf"^'raw' in params\.yaml is {re.escape(given)}, which holds data/"):
            flow.prepare({"raw": given})
