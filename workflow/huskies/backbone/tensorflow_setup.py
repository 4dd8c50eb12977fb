"""TensorFlow as this project needs it: silent, and with sums that add up in one order."""

import contextlib
import os
import tempfile
from collections.abc import Iterator


def load_tensorflow():
    """Import TensorFlow with one thread an operation, so that sums add up in one order, and without its chatter."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _silenced():
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.list_logical_devices()
        # It takes the heads of several folds for one function that is traced over and over again.
        tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
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
