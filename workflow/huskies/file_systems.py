"""The file system that a folder lies on: whether machines share it, and whether its locks hold among them.

Found out from Linux' list of mounts. Elsewhere a folder is taken for one of this machine alone.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

_MOUNTS = Path("/proc/self/mounts")
# fmt: off
_SHARED = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "panfs", "pvfs2", "smb3", "smbfs", "virtiofs", "wekafs",
})
# fmt: on
# Whatever else FUSE serves comes from other machines, as sshfs, GlusterFS and buckets do.
_FUSE_OF_OWN_DISKS = frozenset({"fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.ntfs-3g"})
_IN_MEMORY = frozenset({"ramfs", "tmpfs"})
# With these, a lock is held against processes of the same machine alone.
_LOCKS_OF_ONE_MACHINE = ("local_lock=all", "local_lock=flock", "localflock", "nolock")


class Mount(NamedTuple):
    """A mount: its kind, as nfs4, and the options that it was mounted with."""

    kind: str
    options: frozenset[str]


def of(path: Path) -> Mount:
    """Return the mount that a path lies on, or is to lie on; an empty one where that cannot be found out."""
    found, length = Mount("", frozenset()), 0
    real = os.path.realpath(path)
    for place, kind, options in _mounts():
        # Of two mounts in one place the later one is seen.
        if len(place) >= length and Path(real).is_relative_to(place):
            found, length = Mount(kind, frozenset(options.split(","))), len(place)
    return found


def _mounts() -> list[tuple[str, str, str]]:
    """Return (place, kind, options) of each mount, in their order."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [(_unescaped(place), kind, options) for _, place, kind, options, *_ in map(str.split, lines)]


def _unescaped(place: str) -> str:
    """Return a path of which blanks, tabs, line feeds and backslashes are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), place)


def is_shared(path: Path) -> bool:
    """Tell whether several machines may write below a path."""
    kind = of(path).kind
    return kind in _SHARED or (kind.startswith("fuse.") and kind not in _FUSE_OF_OWN_DISKS)


def is_own_disk(path: Path) -> bool:
    """Tell whether a path lies on a disk of this machine, and neither in its memory nor on a shared file system."""
    return not is_shared(path) and of(path).kind not in _IN_MEMORY


def locks_of_one_machine(path: Path) -> str:
    """Return the mount's option by which a lock is unknown to other machines that share it, or the empty string."""
    mount = of(path)
    return next((each for each in _LOCKS_OF_ONE_MACHINE if is_shared(path) and each in mount.options), "")
