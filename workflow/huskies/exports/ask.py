"""Ask an exported classifier about pixels with its own runtime and nothing of this project, as its users will.

A script: python ask.py FORMAT FILE PIXELS ANSWERS. PIXELS is an .npy of float32, N × side × side × 3. ANSWERS becomes
an .npz of probabilities, float32 N × classes, distance, float32 N, and seconds, which all photos but the first took.
They are asked one by one: so asks an application, and what one runtime adds up for many it adds up otherwise for one.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Answer = Callable[[np.ndarray], dict[str, Any]]


def keras(path: str) -> Answer:
    """Return what answers one photo, float32 1 × side × side × 3, by a Keras file."""
    import keras

    model = keras.models.load_model(path)
    return lambda pixels: model(pixels, training=False)


def saved_model(path: str) -> Answer:
    """Return what answers one photo by the serving signature of a SavedModel."""
    import tensorflow

    # What is loaded lives as long as whoever answers.
    loaded = tensorflow.saved_model.load(path)
    serve = loaded.signatures["serving_default"]
    return lambda pixels, _loaded=loaded: serve(pixels=tensorflow.constant(pixels))


def onnx(path: str) -> Answer:
    """Return what answers one photo by an ONNX file, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return lambda pixels: dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))


def litert(path: str) -> Answer:
    """Return what answers one photo by a LiteRT file, in float32 or int8, on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    serve = Interpreter(path, num_threads=1).get_signature_runner()
    return lambda pixels: serve(pixels=pixels)


def openvino(path: str) -> Answer:
    """Return what answers one photo by a file of OpenVINO, in float32 on one thread."""
    from openvino import Core

    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    request = Core().compile_model(path, "CPU", settings).create_infer_request()
    return lambda pixels: {each.any_name: value for each, value in request.infer([pixels]).items()}


RUNTIMES: dict[str, Callable[[str], Answer]] = {
    "keras": keras,
    "saved_model": saved_model,
    "onnx": onnx,
    "litert": litert,
    "litert_int8": litert,
    "openvino": openvino,
}


def main(kind: str, path: str, pixels: str, answers: str) -> None:
    """Write what the file of a format says of the pixels; the arguments are those of the script."""
    answer, photos = RUNTIMES[kind](path), np.load(pixels)
    found = [answer(photos[:1])]
    began = time.perf_counter()
    found += [answer(photos[number : number + 1]) for number in range(1, len(photos))]
    seconds = time.perf_counter() - began
    rows = {name: np.concatenate([np.asarray(each[name]) for each in found]) for name in ("probabilities", "distance")}
    np.savez(answers, seconds=seconds, **rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
