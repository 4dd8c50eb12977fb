"""ask: a script that knows a runtime and numpy, and nothing of this project."""

import subprocess
import sys

import numpy as np
import onnx
from huskies.exports import ask, file_formats
from onnx import TensorProto, helper

PIXELS = np.arange(2 * 2 * 2 * 3, dtype=np.float32).reshape(2, 2, 2, 3)


def test_each_format_has_a_runtime():
    assert set(ask.RUNTIMES) == set(file_formats.FILES)


def test_as_a_script_it_writes_what_a_file_says_of_each_photo(tmp_path):
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["probabilities"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMax", ["pixels"], ["distance"], axes=[1, 2, 3], keepdims=0),
    ]
    shapes = {"pixels": ["photos", 2, 2, 3], "probabilities": ["photos", 3], "distance": ["photos"]}
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    graph = helper.make_graph(nodes, "a", [values["pixels"]], [values["probabilities"], values["distance"]])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), tmp_path / "a.onnx")
    np.save(tmp_path / "pixels.npy", PIXELS)
    command = [sys.executable, "-I", ask.__file__, "onnx", "a.onnx", "pixels.npy", "answers.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    with np.load(tmp_path / "answers.npz") as found:
        assert found["probabilities"].tolist() == PIXELS.mean(axis=(1, 2)).tolist()
        assert found["distance"].tolist() == [11.0, 23.0]
        assert found["seconds"] >= 0
