"""Real servers on loopback for DVC remotes, each keeping its files in a folder that a test can look into.

S3 and WebDAV are rclone's, whose binary comes from the package registry; SSH is Debian's sshd.
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

KINDS = ("folder", "s3", "ssh", "webdav")


@dataclass(frozen=True)
class Server:
    """A place for a DVC remote: its address, what `dvc remote modify --local` has to say, and its folder."""

    address: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def objects(self) -> list[Path]:
        """Return the files that the remote holds under the md5 of their content."""
        return [path for path in (self.folder / "files/md5").glob("*/*") if path.is_file() and path.name[0] != "."]


@contextlib.contextmanager
def serve(kind: str, folder: Path) -> Iterator[Server]:
    """Start a server of one of KINDS that keeps its files below a folder; stop it at the end."""
    kept = folder / "team/huskies"
    kept.mkdir(parents=True)
    port = free_port()
    if kind == "folder":
        yield Server(str(kept), kept)
    elif kind == "s3":
        # A bucket is a folder below the one that is served.
        command = ["serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "tester,secret-of-tests"]
        with _running([program("rclone"), *command, str(folder)], port, folder):
            endpoint = {"endpointurl": f"http://127.0.0.1:{port}", "region": "us-east-1"}
            keys = {"access_key_id": "tester", "secret_access_key": "secret-of-tests"}
            yield Server("s3://team/huskies", kept, endpoint | keys)
    elif kind == "webdav":
        command = ["serve", "webdav", "--addr", f"127.0.0.1:{port}", "--user", "tester", "--pass", "secret-of-tests"]
        with _running([program("rclone"), *command, str(folder)], port, folder):
            login = {"user": "tester", "password": "secret-of-tests"}
            yield Server(f"webdav://127.0.0.1:{port}/team/huskies", kept, login)
    else:
        with _running(_sshd(port, folder), port, folder):
            address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{kept}"
            yield Server(address, kept, {"keyfile": str(folder / "client_key")})


def program(name: str) -> str:
    """Return where a program lies; fail the test where there is none."""
    places = [str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.fail(
            f"{name} is missing. `make test-all` installs rclone and hadolint, sshd is in Debian's package "
            'openssh-server; without servers: pytest -m "not server"'
        )
    return found


def _sshd(port: int, folder: Path) -> list[str]:
    sshd = program("sshd")
    for name in ("host_key", "client_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    if os.geteuid() == 0:
        # Where sshd confines itself before it knows who calls; the system makes it when it starts sshd itself.
        Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\n"
        f"HostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/client_key.pub\n"
        "PidFile none\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
        "Subsystem sftp internal-sftp\n"
    )
    return [sshd, "-D", "-e", "-f", str(folder / "sshd_config")]


def free_port() -> int:
    """Return a port of loopback that nothing uses yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{command[0]} does not start: {(folder / 'server.log').read_text()}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()
