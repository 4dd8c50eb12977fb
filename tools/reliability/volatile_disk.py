"""A disk that forgets on a power cut what was not synced: what is there, what of it is durable, and what survives.

Every file has a durable and a volatile content, and every change of a folder's entries is durable or not. A sync makes
a file's content durable, or the changes of a folder's entries. When the power is cut, each change that is not durable
survives or not, at random.

Metadata is either ordered, as by a journal (any sync makes all changes before it durable, and of those after it the
first few survive), or each change survives or not by itself, a rename always as a whole. Content is never ordered.
"""

import os
import re
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

BLOCK = 4096  # bytes that a disk writes as a whole


@dataclass(eq=False)
class Node:
    """A file, folder or link: what is there now, and what is durable of it."""

    number: int
    mode: int
    data: bytearray = field(default_factory=bytearray)
    durable: bytes | None = b""  # None: the same as data
    entries: dict[bytes, "Node"] = field(default_factory=dict)
    links: int = 1
    atime: int = 0  # nanoseconds, as the two below
    mtime: int = 0
    ctime: int = 0
    exempt: bool = False


@dataclass(eq=False)
class Change:
    """Entries that change together: (folder, name, node or None) each; whether always durable, and whether by now."""

    sets: list[tuple[Node, bytes, Node | None]]
    exempt: bool
    durable: bool = False


class Disk:
    """The tree as it is, as it was when all was durable, and the changes in between."""

    def __init__(self, exempt: str):
        """Make an empty disk; paths below it that match `exempt` are durable at once."""
        self.nodes: dict[int, Node] = {}
        self.root = self.node(stat.S_IFDIR | 0o755)
        self.changes: list[Change] = []
        self.before_sync = 0  # the changes that came before the last sync
        self.base: dict[Node, dict[bytes, Node]] = {}
        self._exempt = re.compile(exempt)
        self._paths: dict[Node, str] = {self.root: ""}

    def node(self, mode: int) -> Node:
        """Return a new node."""
        made = Node(len(self.nodes) + 1, mode)
        made.atime = made.mtime = made.ctime = time.time_ns()
        self.nodes[made.number] = made
        return made

    def path(self, folder: Node, name: bytes) -> str:
        """Return the path of an entry, below the disk's root."""
        return f"{self._paths[folder]}/{os.fsdecode(name)}".lstrip("/")

    def set(self, *sets: tuple[Node, bytes, Node | None]) -> None:
        """Change entries, together."""
        for folder, name, node in sets:
            if node is None:
                folder.entries.pop(name, None)
            else:
                folder.entries[name] = node
                self._name(node, self.path(folder, name))
            folder.mtime = folder.ctime = time.time_ns()
        self.changes.append(Change(list(sets), all(folder.exempt for folder, _, _ in sets)))

    def _name(self, node: Node, path: str) -> None:
        self._paths[node] = path
        node.exempt = bool(self._exempt.match(path + "/" if stat.S_ISDIR(node.mode) else path))
        for name, each in node.entries.items():
            self._name(each, f"{path}/{os.fsdecode(name)}")

    def sync(self, node: Node) -> None:
        """Make a file's content durable, or the changes of a folder's entries."""
        if node.exempt:
            return
        self.before_sync = len(self.changes)
        if stat.S_ISDIR(node.mode):
            for change in self.changes:
                change.durable = change.durable or any(folder is node for folder, _, _ in change.sets)
        else:
            node.durable = None

    def load(self, source: Path) -> None:
        """Fill the empty disk with a tree, all of it durable."""
        self._load(self.root, source)
        self.all_durable()

    def all_durable(self) -> None:
        """Make all of it durable, as it is."""
        self.changes.clear()
        self.before_sync = 0
        for node in self.nodes.values():
            node.durable = None
            self.base[node] = dict(node.entries)

    def _load(self, folder: Node, source: Path) -> None:
        for path in sorted(source.iterdir()):
            status = path.lstat()
            node = self.node(status.st_mode)
            self.set((folder, os.fsencode(path.name), node))
            if path.is_symlink():
                node.data[:] = os.fsencode(os.readlink(path))
            elif path.is_dir():
                self._load(node, path)
            else:
                node.data[:] = path.read_bytes()
            node.atime, node.mtime, node.ctime = status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns


def survivors(disk: Disk, random: Random) -> dict[Node, dict[bytes, Node]]:
    """Return the entries of every folder that survive a power cut."""
    entries = {node: dict(names) for node, names in disk.base.items()}
    ordered = random.random() < 0.5
    first_few = random.randint(disk.before_sync, len(disk.changes))
    for number, change in enumerate(disk.changes):
        survives = number < first_few if ordered else change.durable or random.random() < 0.5
        if change.exempt or survives:
            for folder, name, node in change.sets:
                names = entries.setdefault(folder, {})
                if node is None:
                    names.pop(name, None)
                else:
                    names[name] = node
    return entries


def content(node: Node, random: Random) -> bytes:
    """Return what survives of a file: the new content, the durable one, a part of the new, or one with holes."""
    new = bytes(node.data)
    if node.durable is None or node.exempt or node.durable == new:
        return new
    how = random.randrange(4)
    if how == 0:
        return node.durable
    if how == 1:
        return new[: random.randint(0, len(new))]
    if how == 2:
        blocks = range(0, len(new), BLOCK)
        return b"".join(
            new[at : at + BLOCK] if random.random() < 0.5 else bytes(len(new[at : at + BLOCK])) for at in blocks
        )
    return new


def write_survivors(disk: Disk, folder: Path, random: Random) -> None:
    """Write the tree that survives a power cut now."""
    entries = survivors(disk, random)

    def write(node: Node, path: Path) -> None:
        if stat.S_ISLNK(node.mode):
            path.symlink_to(os.fsdecode(bytes(node.data)))
            return
        if stat.S_ISDIR(node.mode):
            path.mkdir()
            for name, each in sorted(entries.get(node, {}).items()):
                write(each, path / os.fsdecode(name))
        elif stat.S_ISREG(node.mode):
            path.write_bytes(content(node, random))
        else:
            return
        path.chmod(stat.S_IMODE(node.mode))
        os.utime(path, ns=(node.atime, node.mtime))

    write(disk.root, folder)
