"""LiteRT's format (once TensorFlow Lite) of a classifier, from its SavedModel, in float32 or in int8."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from huskies.backbone import tensorflow_setup
from huskies.exports.description import text

# What stays in float32 where convolutions are int8: pooling and the head, whose distance would drown in eight bits.
_NOT_INT8 = (
    *("MEAN", "CONCATENATION", "FULLY_CONNECTED", "SOFTMAX"),
    *("MUL", "SUB", "DIV", "SQUARE", "SQUARED_DIFFERENCE", "SUM", "SQRT", "RSQRT", "EXP", "LOG", "NEG"),
    *("MINIMUM", "MAXIMUM", "REDUCE_MAX", "REDUCE_MIN", "L2_NORMALIZATION", "EXPAND_DIMS"),
)


def save(folder: Path, description: dict[str, Any], path: Path, photos: Iterable[np.ndarray] | None = None) -> None:
    """Write a SavedModel as a .tflite file that takes one photo, with the description in its metadata.

    photos: float32, 1 × side × side × 3 each; where there are any, convolutions are in int8, calibrated on them.
    """
    tensorflow = tensorflow_setup.load_tensorflow()
    converter = tensorflow.lite.TFLiteConverter.from_saved_model(str(folder))
    converted = converter.convert() if photos is None else _quantized(tensorflow, converter, list(photos))
    path.write_bytes(_finished(bytes(converted), description))


def _quantized(tensorflow: Any, converter: Any, photos: list[np.ndarray]) -> bytes:
    def calibration() -> Iterator[list[np.ndarray]]:
        for each in photos:
            yield [each]

    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    # The converter itself has no way to leave out operations.
    debug = tensorflow.lite.experimental
    options = debug.QuantizationDebugOptions(denylisted_ops=list(_NOT_INT8))
    debugger = debug.QuantizationDebugger(converter=converter, debug_dataset=calibration, debug_options=options)
    return debugger.get_nondebug_quantized_model()


def _finished(model: bytes, description: dict[str, Any]) -> bytes:
    """Return the bytes of a model for one photo, with the description in its metadata, as the one entry `two_huskies`.

    A number of photos that is left open is refused by LiteRT.js, and by what computes on phones' other processors.
    """
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    found = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    for tensor in (each for graph in found.subgraphs for each in graph.tensors):
        tensor.shapeSignature = None
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(text(description).encode())
    entry.name, entry.buffer = "two_huskies", len(found.buffers)
    found.buffers.append(buffer)
    found.metadata = [*(found.metadata or []), entry]
    builder = flatbuffers.Builder(len(model))
    builder.Finish(found.Pack(builder), b"TFL3")
    return bytes(builder.Output())
