"""half: large weights take half the bytes, and all else is as it was."""

import numpy as np
import onnxruntime
from huskies.exports import half
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(0)
LARGE, SMALL = RANDOM.standard_normal((16, 32)).astype(np.float32), RANDOM.standard_normal(32).astype(np.float32)


def network(large: np.ndarray):
    nodes = [helper.make_node("MatMul", ["a", "large"], ["b"]), helper.make_node("Add", ["b", "small"], ["c"])]
    weights = [numpy_helper.from_array(large, "large"), numpy_helper.from_array(SMALL, "small")]
    given, result = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in (("a", 16), ("c", 32))
    )
    graph = helper.make_graph(nodes, "a", [given], [result], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def answer(model, given: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"a": given})[0]


def test_only_large_weights_are_rounded_and_it_computes_in_float32():
    before, given = network(LARGE), RANDOM.standard_normal((3, 16)).astype(np.float32)
    after = half.halved(before)
    assert [each.data_type for each in after.graph.initializer] == [TensorProto.FLOAT16, TensorProto.FLOAT]
    assert answer(after, given).dtype == np.float32
    expected = given @ LARGE.astype(np.float16).astype(np.float32) + SMALL
    assert np.abs(answer(after, given) - expected).max() < 1e-5
    assert len(after.SerializeToString()) < 0.7 * len(before.SerializeToString())
    assert before.graph.initializer[0].data_type == TensorProto.FLOAT


def test_weights_beyond_half_precision_stay_as_they_are():
    after = half.halved(network(LARGE * np.float32(1e6)))
    assert {each.data_type for each in after.graph.initializer} == {TensorProto.FLOAT}
