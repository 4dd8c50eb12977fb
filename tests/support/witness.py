"""Writes down what every Python process of a command asks of the network, and gives it secrets not to be told."""

from pathlib import Path

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "sesame-of-aws-4711",
    "GITHUB_TOKEN": "sesame-of-github-4711",
    "HUSKIES_WITNESS_PASSWORD": "sesame-of-nobody-4711",
}
# Loaded by every Python before anything else. Sockets of the machine itself, which have a path, are no network.
HOOK = """
import os, sys
def note(line):
    descriptor = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, (line + "\\n").encode(errors="replace"))
    os.close(descriptor)
def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"):
        note(f"network: {event} {arguments[0]} by {sys.orig_argv}")
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and arguments[0].family != 1:
        note(f"network: {event} {arguments[1:]} by {sys.orig_argv}")
note(f"started: {sys.orig_argv}")
sys.addaudithook(watch)
"""


def watched(folder: Path) -> dict[str, str]:
    """Return the variables with which a command is watched; `folder`, which is made, then tells what it did."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOOK)
    # conftest.py sets the first for the tests themselves; nobody else has it.
    return {"NO_ALBUMENTATIONS_UPDATE": "", "PYTHONPATH": str(folder), "WITNESS": str(folder / "said"), **SECRETS}


def asked(folder: Path) -> list[str]:
    """Return every look-up and connection of what was watched."""
    return [line for line in (folder / "said").read_text().splitlines() if line.startswith("network: ")]


def started(folder: Path) -> list[str]:
    """Return the command line of every Python process that was watched."""
    return [line for line in (folder / "said").read_text().splitlines() if line.startswith("started: ")]
