"""Nothing asks the network, and nothing under data/ or logs/ says whose machine made it, or what secrets it had."""

import getpass
import os
import platform
import subprocess
import sys

import pytest
import witness
from conftest import Clone


def words(clone: Clone) -> dict[str, bytes]:
    """Return what must not be told, by what it is. (A name of a few letters is in any file, by chance.)"""
    found = {
        "home folder": os.path.expanduser("~"),
        "host": platform.node(),
        "user": getpass.getuser(),
        "workspace": str(clone.folder),
        "environment": sys.prefix,
        **witness.SECRETS,
    }
    return {name: word.encode() for name, word in found.items() if len(word) > 5}


def tellers(clone: Clone) -> list[str]:
    """Return each file under data/ and logs/ whose name or content has one of the words, and which."""
    found = []
    for path in sorted(each for root in ("data", "logs") for each in (clone.folder / root).rglob("*")):
        name = str(path.relative_to(clone.folder))
        content = name.encode() + (os.readlink(path).encode() if path.is_symlink() else b"")
        if path.is_file():
            content += path.read_bytes()
        found += [f"{name} tells the {word}" for word, text in words(clone).items() if text in content]
    return found


def test_the_witness_sees_look_ups_and_connections_and_no_sockets_of_the_machine_itself(tmp_path):
    script = """
import contextlib, socket
for call in (
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    lambda: socket.socket(socket.AF_UNIX).connect("nothing"),
):
    with contextlib.suppress(OSError):
        call()
"""
    variables = witness.watched(tmp_path / "witness")
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, env={**os.environ, **variables})
    events = [line.split()[1] for line in witness.asked(tmp_path / "witness")]
    assert events == ["socket.getaddrinfo", "socket.getaddrinfo", "socket.connect", "socket.sendto"]
    assert len(witness.started(tmp_path / "witness")) == 1


@pytest.mark.long
def test_a_run_and_its_record_ask_nothing_of_the_network(first_build):
    clone, done = first_build
    assert done.returncode == 0, done.stderr
    assert "saved as experiment" in done.stderr
    started = witness.started(clone.folder.parent / "witness")
    for program in ("snakemake", "huskies', 'train_augmented'", "huskies', 'record'", "'dvc', 'commit'"):
        assert any(program in line for line in started), program
    assert witness.asked(clone.folder.parent / "witness") == []


@pytest.mark.long
def test_an_experiment_of_dvc_asks_nothing_of_the_network(built, tmp_path):
    variables = witness.watched(tmp_path / "witness")
    done = built.run("dvc", "exp", "run", "-S", "leaks.action=warn", variables=variables)
    assert done.returncode == 0, done.stderr
    assert any("huskies', 'metrics'" in line for line in witness.started(tmp_path / "witness"))
    assert witness.asked(tmp_path / "witness") == []
    assert tellers(built) == []


@pytest.mark.long
def test_what_is_built_tells_nothing_of_the_machine_that_built_it(first_build):
    assert len(list((first_build[0].folder / "logs").glob("*.log"))) > 10
    assert tellers(first_build[0]) == []


@pytest.mark.long
@pytest.mark.parametrize("how", ["with a traceback", "with a message"])
def test_a_run_that_fails_tells_nothing_either(clone, tmp_path, how):
    home = tmp_path / "home/jane-of-the-clone"
    home.mkdir(parents=True)
    if how == "with a traceback":
        path = clone.folder / "workflow/huskies/steps/convert.py"
        path.write_text(
            path.read_text().replace("def run(job", "def run(job):\n    raise ValueError(__file__, job)\n\n\ndef _(job")
        )
    else:
        (clone.folder / "data/digits/0/broken.png").write_text("no picture")
        clone.set(convert__max_rejected=0)
    variables = {**witness.watched(tmp_path / "witness"), "HOME": str(home)}
    done = clone.run("snakemake", "--cores", "1", "convert", variables=variables)
    assert done.returncode != 0
    log = (clone.folder / "logs/convert.log").read_text()
    assert ("Traceback" in log) is (how == "with a traceback")
    assert "convert" in log
    assert str(home) not in log
    assert tellers(clone) == []
