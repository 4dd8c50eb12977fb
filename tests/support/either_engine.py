"""The bundled backbone by either engine, on machines that are not this one, and what harms a kept one."""

from pathlib import Path

import numpy as np
import pytest
from conftest import BACKBONE
from huskies.backbone import engine, network, openvino_engine


def trace(size: int):
    return network.trace(BACKBONE, size)


def must_not_trace(size: int):
    pytest.fail("TensorFlow was asked")


def chosen(**asked: str) -> tuple[str, str]:
    """Return (engine, precision) that the parameters are settled to."""
    settled = engine.settle({**BACKBONE, **asked}, must_not_trace)
    settled_only = {"engine": settled["engine"], "precision": settled["precision"]}
    gpu = {"device": "GPU"} if settled["engine"] == "tensorflow" and engine._sees_gpu() else {}
    assert settled == {**BACKBONE, **settled_only, **gpu}
    return settled["engine"], settled["precision"]


def machine(monkeypatch, gpu: bool = False, native: bool = True, **cosines: float) -> None:
    """Pretend to be on a machine of this kind, where OpenVINO is as faithful as the cosines say."""
    monkeypatch.setattr(engine, "_sees_gpu", lambda: gpu)
    able = ["bfloat16", "float32"] if native else ["float32"]
    monkeypatch.setattr(openvino_engine, "precisions", lambda: able)
    perfect = {"bfloat16": 1.0, "float32": 1.0}
    monkeypatch.setattr(openvino_engine, "fidelity", lambda _, precision, __: {**perfect, **cosines}[precision])


def not_convertible(*_) -> float:
    raise RuntimeError("Check 'false' failed.\nNo rule for the operation Foo.")


FAILED = (
    "backbone.engine: OpenVINO failed: Check 'false' failed. Run the same command again; if it fails again, "
    "set backbone.engine to tensorflow and backbone.precision to auto in params.yaml."
)


def features(pixels: np.ndarray, precision: str = "float32", cores: int = 1) -> np.ndarray:
    """Return what OpenVINO makes of pixels in a kept backbone, without TensorFlow."""
    infer, side, _ = openvino_engine.load({**BACKBONE, "precision": precision}, cores, must_not_trace)
    assert side == 32
    return np.concatenate([infer(pixels[start : start + 4]) for start in range(0, len(pixels), 4)])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_bit_of_the_weights(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
