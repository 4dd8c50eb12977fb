"""The volatile disk as a FUSE file system, spoken to through /dev/fuse.

    python -m reliability.fuse SOURCE MOUNT SURVIVED SEED AFTER EXEMPT

holds a copy of the tree SOURCE at MOUNT, all of it durable. The power is cut at SIGUSR1, or right after the rename
whose new path fully matches AFTER; then what survives is written to SURVIVED, and the process ends. What matches EXEMPT
is always durable. Both are regular expressions, of paths below MOUNT.
"""

import ctypes
import errno
import os
import re
import select
import signal
import stat
import struct
import sys
import time
from pathlib import Path
from random import Random

from reliability.volatile_disk import BLOCK, Disk, Node, write_survivors

FOREVER = 1 << 20  # seconds that the kernel may keep what it was told, since nobody else changes anything
MAX_WRITE = 1 << 17
_libc = ctypes.CDLL(None, use_errno=True)


class Server:
    """Answers the kernel. Numbers and layouts are those of linux/fuse.h, version 7.31."""

    def __init__(self, disk: Disk, mount: Path, after: str):
        """Mount the disk. after: the power is cut after the rename to a path that fully matches."""
        self.disk = disk
        self.cut = False
        self._after = re.compile(after) if after else None
        self._file = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._file},rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions".encode()
        if _libc.mount(b"volatile", os.fsencode(mount), b"fuse", 0, options):
            raise OSError(ctypes.get_errno(), "cannot mount a FUSE file system")
        self._answers = {
            1: self._lookup, 3: self._getattr, 4: self._setattr, 5: self._readlink, 6: self._symlink, 8: self._mknod,
            9: self._mkdir, 10: self._unlink, 11: self._rmdir, 12: self._rename, 13: self._link, 14: self._open,
            15: self._read, 16: self._write, 17: self._statfs, 18: self._nothing, 20: self._fsync, 25: self._nothing,
            26: self._init, 27: self._open, 28: self._readdir, 29: self._nothing, 30: self._fsync, 35: self._create,
            38: self._nothing, 45: self._rename2,
        }  # fmt: skip

    def serve(self) -> None:
        """Answer until the power is cut, by SIGUSR1 or at the chosen rename."""
        ends = os.pipe()
        os.set_blocking(ends[1], False)
        signal.set_wakeup_fd(ends[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        poll.register(ends[0], select.POLLIN)
        buffer = bytearray(MAX_WRITE + 4096)
        while not self.cut:
            if any(ready == ends[0] for ready, _ in poll.poll()):
                return
            try:
                size = os.readv(self._file, [buffer])
            except OSError as error:
                # The request was withdrawn meanwhile; or all is unmounted.
                if error.errno == errno.ENODEV:
                    return
                continue
            _, opcode, unique, number = struct.unpack_from("<IIQQ", buffer)
            if opcode in (2, 36, 42):  # forget, interrupt, batch_forget: no answer
                continue
            answer = self._answers.get(opcode)
            try:
                if answer is None:
                    raise OSError(errno.ENOSYS, "")
                made, failed = answer(self.disk.nodes.get(number), bytes(buffer[40:size])), 0
            except OSError as error:
                made, failed = b"", -(error.errno or errno.EIO)
            if not self.cut:
                try:
                    os.write(self._file, struct.pack("<IiQ", 16 + len(made), failed, unique) + made)
                except OSError:
                    continue

    def _init(self, _: Node, __: bytes) -> bytes:
        flags = 1 << 5 | 1 << 22  # big writes, as many pages as max_write has
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, MAX_WRITE, flags, 16, 12, MAX_WRITE, 1, MAX_WRITE // 4096, 0, 0)

    def _attributes(self, node: Node) -> bytes:
        size, times = len(node.data), (node.atime, node.mtime, node.ctime)
        seconds, rest = [each // 10**9 for each in times], [each % 10**9 for each in times]
        last = (node.mode, max(node.links, 1), 0, 0, 0, BLOCK, 0)
        return struct.pack("<6Q10I", node.number, size, (size + 511) // 512, *seconds, *rest, *last)

    def _entry(self, node: Node) -> bytes:
        return struct.pack("<QQQQII", node.number, 0, FOREVER, FOREVER, 0, 0) + self._attributes(node)

    def _lookup(self, folder: Node, rest: bytes) -> bytes:
        node = folder.entries.get(rest.rstrip(b"\0"))
        return struct.pack("<QQQQII88x", 0, 0, FOREVER, 0, 0, 0) if node is None else self._entry(node)

    def _getattr(self, node: Node, _: bytes) -> bytes:
        return struct.pack("<QII", FOREVER, 0, 0) + self._attributes(node)

    def _setattr(self, node: Node, rest: bytes) -> bytes:
        valid, _, _, size, _, atime, mtime, _, atime_ns, mtime_ns, _, mode = struct.unpack_from("<IIQQQQQQIIII", rest)
        now = time.time_ns()
        if valid & 1:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        if valid & 8:
            self._changing(node)
            del node.data[size:]
            node.data.extend(bytes(size - len(node.data)))
            node.mtime = now
        if valid & 16:
            node.atime = now if valid & 128 else atime * 10**9 + atime_ns
        if valid & 32:
            node.mtime = now if valid & 256 else mtime * 10**9 + mtime_ns
        node.ctime = now
        return self._getattr(node, b"")

    def _changing(self, node: Node) -> None:
        if node.durable is None:
            node.durable = bytes(node.data)

    def _readlink(self, node: Node, _: bytes) -> bytes:
        return bytes(node.data)

    def _symlink(self, folder: Node, rest: bytes) -> bytes:
        name, target = rest.split(b"\0")[:2]
        node = self._made(folder, name, stat.S_IFLNK | 0o777)
        node.data[:], node.durable = target, None
        return self._entry(node)

    def _made(self, folder: Node, name: bytes, mode: int) -> Node:
        if name in folder.entries:
            raise OSError(errno.EEXIST, "")
        node = self.disk.node(mode)
        self.disk.set((folder, name, node))
        return node

    def _mknod(self, folder: Node, rest: bytes) -> bytes:
        mode, _, umask = struct.unpack_from("<III", rest)
        return self._entry(self._made(folder, rest[16:].rstrip(b"\0"), mode & ~umask))

    def _mkdir(self, folder: Node, rest: bytes) -> bytes:
        mode, umask = struct.unpack_from("<II", rest)
        return self._entry(self._made(folder, rest[8:].rstrip(b"\0"), stat.S_IFDIR | mode & ~umask))

    def _unlink(self, folder: Node, rest: bytes) -> bytes:
        name = rest.rstrip(b"\0")
        if name not in folder.entries:
            raise OSError(errno.ENOENT, "")
        folder.entries[name].links -= 1
        self.disk.set((folder, name, None))
        return b""

    def _rmdir(self, folder: Node, rest: bytes) -> bytes:
        name = rest.rstrip(b"\0")
        if name not in folder.entries:
            raise OSError(errno.ENOENT, "")
        if folder.entries[name].entries:
            raise OSError(errno.ENOTEMPTY, "")
        self.disk.set((folder, name, None))
        return b""

    def _rename(self, folder: Node, rest: bytes) -> bytes:
        return self._moved(folder, struct.unpack_from("<Q", rest)[0], 0, rest[8:])

    def _rename2(self, folder: Node, rest: bytes) -> bytes:
        number, flags = struct.unpack_from("<QI", rest)
        return self._moved(folder, number, flags, rest[16:])

    def _moved(self, folder: Node, number: int, flags: int, names: bytes) -> bytes:
        old, new = names.split(b"\0")[:2]
        target = self.disk.nodes[number]
        if old not in folder.entries:
            raise OSError(errno.ENOENT, "")
        if flags > 1:
            raise OSError(errno.EINVAL, "")
        there = target.entries.get(new)
        if there is not None and flags & 1:
            raise OSError(errno.EEXIST, "")
        if there is not None and there.entries:
            raise OSError(errno.ENOTEMPTY, "")
        self.disk.set((folder, old, None), (target, new, folder.entries[old]))
        self.cut = bool(self._after and self._after.fullmatch(self.disk.path(target, new)))
        return b""

    def _link(self, folder: Node, rest: bytes) -> bytes:
        node, name = self.disk.nodes[struct.unpack_from("<Q", rest)[0]], rest[8:].rstrip(b"\0")
        if name in folder.entries:
            raise OSError(errno.EEXIST, "")
        node.links += 1
        self.disk.set((folder, name, node))
        return self._entry(node)

    def _open(self, _: Node, __: bytes) -> bytes:
        return struct.pack("<QII", 0, 2, 0)  # keep what the kernel has of it

    def _create(self, folder: Node, rest: bytes) -> bytes:
        _, mode, umask = struct.unpack_from("<III", rest)
        node = self._made(folder, rest[16:].rstrip(b"\0"), stat.S_IFREG | stat.S_IMODE(mode & ~umask))
        return self._entry(node) + self._open(node, b"")

    def _read(self, node: Node, rest: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", rest)
        return bytes(node.data[offset : offset + size])

    def _write(self, node: Node, rest: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", rest)
        self._changing(node)
        node.data.extend(bytes(max(0, offset - len(node.data))))
        node.data[offset : offset + size] = rest[40 : 40 + size]
        node.mtime = node.ctime = time.time_ns()
        return struct.pack("<II", size, 0)

    def _statfs(self, _: Node, __: bytes) -> bytes:
        return struct.pack("<5Q4I24x", 1 << 24, 1 << 23, 1 << 23, 1 << 24, 1 << 23, BLOCK, 255, BLOCK, 0)

    def _readdir(self, folder: Node, rest: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", rest)
        listed = [(b".", folder), (b"..", folder), *folder.entries.items()]
        made = b""
        for number, (name, node) in enumerate(listed[offset:], start=offset + 1):
            one = struct.pack("<QQII", node.number, number, len(name), stat.S_IFMT(node.mode) >> 12) + name
            one += bytes(-len(one) % 8)
            if len(made) + len(one) > size:
                break
            made += one
        return made

    def _fsync(self, node: Node, _: bytes) -> bytes:
        self.disk.sync(node)
        return b""

    def _nothing(self, _: Node, __: bytes) -> bytes:
        return b""


def main() -> None:
    """Serve until the power is cut, then write what survives."""
    source, mount, survived, seed, after, exempt = sys.argv[1:]
    disk = Disk(exempt)
    disk.load(Path(source))
    server = Server(disk, Path(mount), after)
    print("mounted", flush=True)
    server.serve()
    write_survivors(disk, Path(survived), Random(seed))
    print("survived", flush=True)
    # Ends the connection, and with it whatever still waits for an answer.
    os._exit(0)


if __name__ == "__main__":
    main()
