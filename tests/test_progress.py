"""What one sees while it works, on a real terminal and elsewhere."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from conftest import Clone

PACKAGE = Path(__file__).parent.parent / "workflow"
THIRTY = "import time\nfor each in bar(range(30), 30, 'convert'): time.sleep(0.01)\nsay('convert: 30 images')"
# A bar with what is done, the time left and the speed: `convert:  50%|##   | 15/30 [00:00<00:01, 49.1 images/s]`.
MOVED = r"{}: +\d+%\|[^|]*\| [1-9]\d*/\d+ \[\d\d:\d\d<\d\d:\d\d, +[\d.]+(?: \w+/s|s/ \w+)\]"


def on_terminal(command: list[str], columns: int, **more) -> tuple[int, str]:
    """Run a command on a terminal of its own; return its exit status and all that it wrote there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, **more) as process:
        os.close(theirs)
        written = b""
        # Linux reports the end of a terminal as an error.
        try:
            while read := os.read(ours, 65536):
                written += read
        except OSError:
            pass
    os.close(ours)
    return process.returncode, written.decode()


def in_clone(clone: Clone, *command: str) -> tuple[int, str]:
    return on_terminal(list(command), 120, cwd=clone.folder, env=clone.environment())


def python(source: str) -> list[str]:
    return [
        sys.executable,
        "-c",
        f"import sys\nsys.path.insert(0, {str(PACKAGE)!r})\nfrom huskies.progress import *\n{source}",
    ]


@pytest.mark.parametrize("columns", [0, 80, 200])
def test_on_a_terminal_a_bar_shows_images_a_second_and_the_time_left_and_then_goes(columns):
    status, seen = on_terminal(python(THIRTY), columns)
    assert status == 0, seen
    assert re.search(MOVED.format("convert"), seen)
    assert "images/s" in seen
    # What is left to see: the last line, which erased the bar.
    assert seen.endswith("\r\x1b[Kconvert: 30 images\r\n")
    assert max(map(len, re.split(r"[\r\n]+", seen))) <= (columns or 80)


def test_elsewhere_a_bar_is_silent_and_a_line_is_a_line():
    done = subprocess.run(python(THIRTY), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "convert: 30 images\n")


def test_a_bar_passes_its_items_on_and_ends_with_whoever_takes_them():
    source = "items = bar(iter('abcdef'), 6, 'convert')\nprint(next(items), next(items), end='!')\nitems.close()"
    assert on_terminal(python(source), 80)[1].rstrip().rpartition("\r")[2].strip().endswith("a b!")


@pytest.mark.long
def test_a_stage_that_fails_under_snakemake_had_its_bar_and_says_why_and_where_its_log_is(clone):
    clone.set(convert__max_rejected=0)
    (clone.folder / "data/digits/0/broken.png").write_text("no picture")
    status, seen = in_clone(clone, "snakemake", "--cores", "2", "report")
    assert status == 1
    assert re.search(r"\rconvert: +\d+%\|[^|]*\| \d+/28 \[", seen)
    error = next(line for line in re.split(r"[\r\n]+", seen) if line.startswith("ERROR: "))
    assert "0/broken.png (not a picture of a format that is read)" in error
    where = "All of them, with the reasons: logs/rejected.csv\r\nThe log is logs/convert.log\r\n"
    assert f"{error}\r\n{where}" in seen
    assert (clone.folder / "logs/convert.log").read_text() == f"{error}\n"


@pytest.mark.long
def test_every_stage_under_snakemake_has_its_bar_and_ends_with_a_line(built):
    built.set(aug__seed=7)
    status, seen = in_clone(built, "snakemake", "--cores", "2", "report")
    assert status == 0, seen
    for label, unit in (
        ("augment", "images"),
        ("bottlenecks_augmented", "images"),
        ("train_augmented", "rounds"),
        ("thumbnails", "images"),
        ("leaks", "pairs"),
    ):
        assert re.search(rf"\r{label}: +\d+%\|[^|]*\| \d+/\d+ \[[^\]]*{unit}", seen), label
    for stage in ("augment", "bottlenecks_augmented", "train_augmented", "leaks", "metrics"):
        (line,) = re.findall(rf"\x1b\[K({stage}: .*)\r\n", seen)
        assert (built.folder / f"logs/{stage}.log").read_text().startswith(line)
