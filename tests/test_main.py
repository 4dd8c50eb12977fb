"""__main__: what a command imports and when, how many threads numpy may have, and where a crash was."""

import signal
import subprocess
import sys

from conftest import PROJECT

FIRST = """
import os, sys
import huskies.__main__ as commands
assert not {"numpy", "pandas", "PIL"} & set(sys.modules), sorted(sys.modules)
try:
    commands.main(["predict", "--help"])
except SystemExit:
    pass
assert "numpy" in sys.modules
import threadpoolctl
found = [each["num_threads"] for each in threadpoolctl.threadpool_info() if each["internal_api"] == "openblas"]
assert found and set(found) == {1}, found
"""


def test_sums_of_numpy_are_added_up_by_one_thread_on_any_machine(tmp_path):
    done = subprocess.run([sys.executable, "-c", FIRST], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


CRASH = """
import ctypes, runpy, sys
from huskies.model import predict

def crash(parsed):
    ctypes.string_at(0)

predict.run = crash
sys.argv = ["huskies", "predict", "model", "photo.png"]
runpy.run_module("huskies", run_name="__main__")
"""


def test_a_crash_within_a_library_says_where_it_was(tmp_path):
    done = subprocess.run([sys.executable, "-c", CRASH], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in done.stderr
    assert "in crash" in done.stderr


LEAN = """
import contextlib, sys
import huskies.__main__ as commands
with contextlib.suppress(SystemExit):
    commands.main(["split", "--help"])
found = {name.partition(".")[0] for name in sys.modules} & {"scipy", "pandas", "jsonschema", "tqdm", "tensorflow"}
found |= {name for name in sys.modules if name.startswith("huskies.model")}
assert not found, found
"""


def test_a_stage_starts_without_what_is_there_for_other_commands():
    done = subprocess.run([sys.executable, "-c", LEAN], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--receipt" in done.stdout
