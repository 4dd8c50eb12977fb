"""From JPEG on disk to features on disk: the stage bottlenecks_original against Keras `predict` fed by tf.data.

What is run is defined in benchmarks/engines.py; there, fidelity is measured too. Keras computes in float32 whatever we
compute in, since that is what `predict` does.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import engines
import numpy as np
import side_by_side
from huskies.backbone import openvino_engine
from speed_table import Line

PRECISIONS = ("float32", "bfloat16", "int8")
# For each case, what is aimed at: by precision against `predict`, and against the engine alone.
AIMS = {
    "InceptionV3 to mixed8 at 299": ({"float32": 1.15, "bfloat16": 2.2, "int8": 3.5}, 0.95),
    "MobileNetV2 at 224": ({"float32": 1.7, "bfloat16": 3.2, "int8": 5.0}, 0.9),
    "MobileNetV2 at 96": ({"float32": 2.2, "bfloat16": 5.0}, 0.9),
    "bundled MobileNet at 96": ({"float32": 2.2, "bfloat16": 5.0}, 0.9),
}


def measure(folder: Path, case: str, repetitions: int) -> Iterator[Line]:
    """Yield the lines of one backbone. folder: as benchmarks/engines.py makes it, with backbones/ and flowers/."""
    # NNCF, which quantizes, is in requirements/int8.txt and not everywhere.
    available = {*openvino_engine.precisions(), *(["int8"] if importlib.util.find_spec("nncf") else [])}
    names = ["Keras predict", engines.DECODING]
    for precision in PRECISIONS:
        if precision in available:
            names += [f"OpenVINO {precision}", f"OpenVINO {precision}, from memory"]
    seconds = side_by_side.medians({name: (engines.prepared, folder, case, name) for name in names}, repetitions)
    images = engines.CASES[case][-1]
    predict = seconds["Keras predict"]
    yield Line("bottlenecks", f"{case}: predict", images / predict.wall, "images/s")
    decoding = seconds[engines.DECODING]
    yield Line("bottlenecks", f"{case}: decoding and resizing alone", images / decoding.wall, "images/s")
    against_predict, against_engine = AIMS[case]
    for precision in PRECISIONS:
        if f"OpenVINO {precision}" not in seconds:
            yield Line("bottlenecks", f"{case}, {precision}", float("nan"), "", note="left out: not to be had here")
            continue
        ours, memory = seconds[f"OpenVINO {precision}"], seconds[f"OpenVINO {precision}, from memory"]
        # Decoding and the engine have every core busy, so that what they take adds up.
        both = side_by_side.Seconds(*np.add(decoding, memory))
        for what, peer, aim in (
            ("predict", predict, against_predict.get(precision)),
            ("the engine alone", memory, against_engine),
            ("decoding and the engine, each alone", both, None),
        ):
            note = f"{peer.processor / ours.processor:.2f} × by processor time"
            ratio = peer.wall / ours.wall
            yield Line("bottlenecks", f"{case}, {precision}, against {what}", ratio, "×", aim, note=note)
