"""tensorflow_setup: TensorFlow comes without chatter, and its sums add up in one order."""

import os
import subprocess
import sys

import pytest
from huskies.backbone import tensorflow_setup


def test_it_is_silent_and_adds_up_with_one_thread(capfd):
    tensorflow = tensorflow_setup.load_tensorflow()
    assert tensorflow.config.threading.get_intra_op_parallelism_threads() == 1
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert capfd.readouterr().err == ""


def test_what_is_written_past_python_is_held_back(capfd):
    with tensorflow_setup.silenced():
        os.write(2, b"chatter")
    assert capfd.readouterr().err == ""


def test_the_chatter_is_shown_where_the_import_fails(capfd):
    def fail() -> None:
        with tensorflow_setup.silenced():
            os.write(2, b"reason")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == "reason"


def test_what_keras_never_needs_here_is_not_imported_with_it_and_can_be_afterwards():
    code = """
import sys
from huskies.backbone import tensorflow_setup
tensorflow_setup.load_tensorflow()
print(sorted({"matplotlib", "scipy", "sklearn"} & sys.modules.keys()))
import scipy.stats, matplotlib
print(scipy.stats.norm.cdf(0))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n0.5\n", "")


def test_what_is_imported_already_stays(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", os)
    with tensorflow_setup._absent("matplotlib", "no_library"):
        assert sys.modules["matplotlib"] is os
        assert sys.modules["no_library"] is None
    assert sys.modules["matplotlib"] is os
    assert "no_library" not in sys.modules
