"""__main__: how many threads numpy may have is settled before it is imported."""

import subprocess
import sys

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
