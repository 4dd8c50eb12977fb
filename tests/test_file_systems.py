"""file_systems: whether machines share a folder, and whether its locks hold among them, by the list of mounts."""

from pathlib import Path

import pytest
from huskies import file_systems
from huskies.file_systems import Mount

MOUNTS = r"""/dev/sda1 / ext4 rw,relatime 0 0
server:/export/home /home nfs4 rw,vers=4.2,local_lock=none,addr=10.0.0.1 0 0
/dev/sdb1 /home/me/scratch xfs rw 0 0
10.0.0.2@tcp:/data /lustre lustre rw,flock 0 0
10.0.0.2@tcp:/old /lustre/old lustre rw,localflock 0 0
me@server: /mnt/my\040photos fuse.sshfs rw,user_id=0 0 0
overlay /containers fuse.fuse-overlayfs rw 0 0
tmpfs /tmp tmpfs rw 0 0
server:/v3 /nfs3 nfs rw,vers=3,nolock,local_lock=all 0 0
/dev/sdc1 /disk ext4 rw,nolock 0 0
autofs /net autofs rw 0 0
server:/net /net nfs4 rw 0 0
"""


@pytest.fixture(autouse=True)
def _mounted(tmp_path, monkeypatch):
    (tmp_path / "mounts").write_text(MOUNTS)
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "mounts")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/homely", "ext4"),
        ("/home", "nfs4"),
        ("/home/me/.cache/two-huskies", "nfs4"),
        ("/home/me/scratch/cache", "xfs"),
        ("/mnt/my photos/roses", "fuse.sshfs"),
        ("/net/me", "nfs4"),
    ],
)
def test_a_folder_lies_on_the_innermost_and_the_last_mount(path, kind):
    assert file_systems.of(Path(path)).kind == kind


def test_a_link_lies_where_it_leads_to(tmp_path):
    (tmp_path / "cache").symlink_to("/lustre/me")
    assert file_systems.of(tmp_path / "cache/two-huskies") == Mount("lustre", frozenset({"rw", "flock"}))


@pytest.mark.parametrize(
    ("path", "shared"),
    [
        ("/home/me", True),
        ("/lustre/me", True),
        ("/mnt/my photos", True),
        ("/var/tmp", False),
        ("/containers", False),
        ("/tmp", False),
    ],
)
def test_network_file_systems_are_shared_and_disks_are_not(path, shared):
    assert file_systems.is_shared(Path(path)) is shared


@pytest.mark.parametrize(
    ("path", "own"), [("/var/tmp", True), ("/home/me/scratch", True), ("/tmp", False), ("/net", False)]
)
def test_an_own_disk_is_neither_memory_nor_shared(path, own):
    assert file_systems.is_own_disk(Path(path)) is own


@pytest.mark.parametrize(
    ("path", "option"),
    [
        ("/home/me", ""),
        ("/lustre/me", ""),
        ("/lustre/old/me", "localflock"),
        ("/nfs3/me", "local_lock=all"),
        ("/disk/me", ""),
    ],
)
def test_locks_that_other_machines_do_not_see_are_told_by_the_option(path, option):
    assert file_systems.locks_of_one_machine(Path(path)) == option


def test_where_there_is_no_list_of_mounts_a_folder_is_of_one_machine(monkeypatch):
    monkeypatch.setattr(file_systems, "_MOUNTS", Path("/nowhere/mounts"))
    assert file_systems.of(Path("/home")) == Mount("", frozenset())
    assert not file_systems.is_shared(Path("/home"))


def test_the_mounts_of_this_machine_are_read(monkeypatch, tmp_path):
    monkeypatch.undo()
    assert file_systems.of(Path("/proc/self")).kind == "proc"
