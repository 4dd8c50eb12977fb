"""onnx_file: names and order follow from the network alone, whatever a converter has counted."""

import numpy as np
import onnx
from exported import DESCRIPTION, described
from huskies.exports import onnx_file
from onnx import TensorProto, helper, numpy_helper


def write(path, prefix: str, first: str, second: str) -> None:
    """Write (pixels × a) + (−pixels × b) with tensors and nodes of any names, and the weights in any order.

    The two products, of which neither needs the other, come in the order of the weights.
    """
    products = {
        "a": [helper.make_node("Mul", ["pixels", f"{prefix}a"], [f"{prefix}one"], name=f"{prefix}x")],
        "b": [
            helper.make_node("Neg", ["pixels"], [f"{prefix}less"], name=f"{prefix}y"),
            helper.make_node("Mul", [f"{prefix}less", f"{prefix}b"], [f"{prefix}two"], name=f"{prefix}z"),
        ],
    }
    nodes = [*products[first], *products[second]]
    nodes.append(helper.make_node("Add", [f"{prefix}one", f"{prefix}two"], ["sum"], name=f"{prefix}w"))
    values = {"a": np.float32([2.0]), "b": np.float32([1.0])}
    weights = [numpy_helper.from_array(values[each], prefix + each) for each in (first, second)]
    shape = ["unk__7", 1]
    given, result = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("pixels", "sum"))
    model = helper.make_model(helper.make_graph(nodes, prefix, [given], [result], weights))
    model.doc_string = prefix
    onnx.save(model, path)


def test_two_files_that_differ_in_names_and_in_the_order_of_weights_and_nodes_become_one(tmp_path):
    write(tmp_path / "one.onnx", "x__1", "a", "b")
    write(tmp_path / "two.onnx", "y__2", "b", "a")
    for path in tmp_path.iterdir():
        onnx_file.settle(path, DESCRIPTION)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_inputs_and_outputs_keep_their_names_and_the_number_of_photos_gets_one(tmp_path):
    write(tmp_path / "one.onnx", "x__1", "b", "a")
    onnx_file.settle(tmp_path / "one.onnx", DESCRIPTION)
    model = onnx.load(tmp_path / "one.onnx")
    [given], [result] = model.graph.input, model.graph.output
    assert (given.name, result.name) == ("pixels", "sum")
    assert {each.type.tensor_type.shape.dim[0].dim_param for each in (given, result)} == {"photos"}
    assert [(node.name, *node.input) for node in model.graph.node] == [
        ("Mul_0", "pixels", "weights_0"),
        ("Neg_1", "pixels"),
        ("Mul_2", "Neg_1", "weights_1"),
        ("Add_3", "Mul_0", "Mul_2"),
    ]
    assert [numpy_helper.to_array(each).item() for each in model.graph.initializer] == [2.0, 1.0]
    assert described(model.metadata_props[0].value)
