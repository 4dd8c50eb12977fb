"""tensorflow_setup: TensorFlow comes without chatter, and its sums add up in one order."""

import os

import pytest
from huskies.backbone import tensorflow_setup


def test_it_is_silent_and_adds_up_with_one_thread(capfd):
    tensorflow = tensorflow_setup.load_tensorflow()
    assert tensorflow.config.threading.get_intra_op_parallelism_threads() == 1
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert capfd.readouterr().err == ""


def test_what_is_written_past_python_is_held_back(capfd):
    with tensorflow_setup._silenced():
        os.write(2, b"chatter")
    assert capfd.readouterr().err == ""


def test_the_chatter_is_shown_where_the_import_fails(capfd):
    def fail() -> None:
        with tensorflow_setup._silenced():
            os.write(2, b"reason")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == "reason"
