"""TensorFlow as this project needs it: silent, with sums that add up in one order, and without what it never uses."""

import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Iterator

# Keras imports them where they are installed, for what nobody here asks of it, and that is two fifths of its import.
_UNUSED = ("matplotlib", "scipy", "sklearn")


@functools.cache
def load_tensorflow():
    """Import TensorFlow with one thread an operation, so that sums add up in one order, and without its chatter.

    Whoever starts threads that ask for it asks first: two at once would silence each other for good.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with silenced(), _absent(*_UNUSED):
        # TensorFlow would import the rest of Keras when it is first asked for something.
        import keras  # noqa: F401
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.list_logical_devices()
        # It takes the heads of several folds for one function that is traced over and over again.
        tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


@contextlib.contextmanager
def _absent(*libraries: str) -> Iterator[None]:
    """Let libraries that are not imported yet look as if they were not installed."""
    hidden = [each for each in libraries if each not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for each in hidden:
            del sys.modules[each]


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Hold back what libraries write to file descriptor 2, past Python; show it after all if they fail."""
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
