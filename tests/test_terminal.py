"""A Snakemake that nobody reads any more ends, and the next run works."""

import os
import pty
import select
import signal
import subprocess

import pytest

COMMAND = ["snakemake", "--cores", "1", "convert"]
SECONDS = 60


def read_until(source: int, awaited: bytes) -> None:
    said = b""
    while awaited not in said:
        assert select.select([source], [], [], SECONDS)[0], said
        more = os.read(source, 65536)
        assert more, said
        said += more


def in_a_pipe() -> tuple[int, int]:
    return os.pipe()


def in_a_terminal() -> tuple[int, int]:
    return pty.openpty()


@pytest.mark.long
@pytest.mark.parametrize(
    ("opened", "hangup"),
    [(in_a_pipe, signal.SIG_DFL), (in_a_terminal, signal.SIG_DFL), (in_a_terminal, signal.SIG_IGN)],
    ids=["a closed pipe", "a closed terminal", "a closed terminal under nohup"],
)
def test_a_run_that_lost_its_reader_ends_and_the_next_one_works(clone, opened, hangup):
    ours, theirs = opened()

    def before() -> None:
        signal.signal(signal.SIGHUP, hangup)
        os.setsid()
        if os.isatty(theirs):
            os.close(os.open(os.ttyname(theirs), os.O_RDWR))  # which makes it the controlling terminal

    running = subprocess.Popen(
        COMMAND,
        cwd=clone.folder,
        env=clone.environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=before,
    )
    os.close(theirs)
    # Printed before a job starts: it is the job that first writes to nobody.
    read_until(ours, b"Building DAG of jobs")
    os.close(ours)
    try:
        assert running.wait(SECONDS) != 0
    finally:
        running.kill()
        running.wait()
    done = clone.run(*COMMAND)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(list((clone.folder / "data/convert").glob("receipt-*.json"))) == 1
