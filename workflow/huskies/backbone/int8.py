"""int8: the converted backbone quantized by NNCF, calibrated on training originals and never on what is held out.

How wide the activations of each layer are is measured on these images, so other images make another backbone.
NNCF (https://github.com/openvinotoolkit/nncf) is OpenVINO's own tool for this, and an extra, since few need it.
"""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from huskies import imports
from huskies.images import codec, manifest

# Another version makes other bytes. pyproject.toml has the same one, by a test.
NNCF = "3.4.0"
# Weights symmetric, activations not: it suits any activation function.
_PRESET = "mixed"
# As many as NNCF takes by itself.
_IMAGES_AT_MOST = 300


def calibration_images(split: Path) -> list[tuple[Path, str]]:
    """Return (path, sha256) of the images to calibrate on: the training originals of the smallest sha256.

    split: the folder data/split.
    """
    rows = manifest.read(split / manifest.NAME)
    rows = rows[rows["split"] == "train"].drop_duplicates("sha256").sort_values("sha256")
    return [(split / row.file, row.sha256) for row in rows.head(_IMAGES_AT_MOST).itertuples()]


def calibration(split: Path) -> dict[str, str]:
    """Return what decides how a backbone is quantized: a digest of the images to calibrate on, preset and version."""
    digests = "\n".join(sha256 for _, sha256 in calibration_images(split))
    return {"images": codec.sha256(digests.encode()), "preset": _PRESET, "nncf": NNCF}


def quantize(model: Any, split: Path, fit: Callable[[np.ndarray, int], np.ndarray]) -> Any:
    """Return an OpenVINO model of B × side × side × 3 uint8 pixels with its convolutions and matrix products in int8.

    fit: makes the square of an image, as square.fit does.
    Raises HuskyError where NNCF is missing or of another version, and for a file that is not what its manifest lists.
    """
    imports.check_extra("backbone.precision int8", "nncf", NNCF, "int8", instead=", or set backbone.precision to auto.")
    size, side, *_ = model.input(0).shape
    files = calibration_images(split)
    # The last batch is filled up with images whose range is known.
    files += files[:1] * (-len(files) % size)

    def pixels(batch: list[tuple[Path, str]]) -> np.ndarray:
        return np.stack([fit(codec.decode_jpeg(codec.read_checked(*file)), side) for file in batch])

    batches = [files[start : start + size] for start in range(0, len(files), size)]
    # NNCF draws bars on standard output, and keeps the one that it was imported with.
    with contextlib.redirect_stdout(io.StringIO()), _one_thread():
        import nncf

        return nncf.quantize(
            model,
            nncf.Dataset(batches, pixels),
            preset=nncf.QuantizationPreset(_PRESET),
            subset_size=len(batches),
            # Slower, once for a set of images, and nearer to float32.
            fast_bias_correction=False,
            advanced_parameters=nncf.AdvancedQuantizationParameters(batchwise_statistics=True),
        )


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let NNCF compute on one thread, so that its sums add up in one order on any number of cores."""
    from nncf.openvino import engine
    from openvino import Core

    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}

    def on_one_thread(model: Any) -> Any:
        return engine.OVCompiledModelEngine(Core().compile_model(model, "CPU", settings), stateful=False)

    # NNCF has no setting for it.
    with mock.patch.object(engine, "OVNativeEngine", on_one_thread):
        yield
