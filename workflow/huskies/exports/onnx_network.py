"""A classifier whose backbone is an ONNX file, as one such file: pixels, that network, and the head behind it."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from huskies.backbone import network_file, openvino_setup
from huskies.backbone.file_pooling import Layer
from huskies.exports import keras_formats, keras_model, onnx_file
from huskies.exports.head_weights import HeadWeights
from huskies.model.folder import Model

ENDING = ".onnx"
# The operations that are put before and behind the network are so written from this version of ONNX's operators on.
_OLDEST = 11
# The newest that the head can be exported with; its few operations are then brought to the network's version.
_NEWEST = 18
# The least version of the file's format, in which weights need not be inputs.
_IR = 8
# From this version on a mean is given its axes as an input.
_AXES_AS_INPUT = 18
_FEATURES = "features"
_NETWORK = "network/"


def save(
    model: Model, head: HeadWeights, description: dict[str, Any], path: Path, known: np.ndarray | None = None
) -> None:
    """Write a classifier from one photo, float32 1 × side × side × 3, to what keras_model.assemble gives.

    known: as there. Raises ValueError where the network is not in ONNX, or of a kind that cannot be joined to a head,
    and HuskyError as network_file.read does.
    """
    import onnx

    source = network_file.path(model.backbone["weights"])
    if source.suffix != ENDING:
        raise ValueError(f"its backbone is {source.name}, and no ONNX file")
    network = network_file.read(model.backbone, 1)
    given = onnx.load(source)
    if _opset(given) < _OLDEST:
        given = onnx.version_converter.convert_version(given, _OLDEST)
    given.ir_version = max(given.ir_version, _IR)
    before = _to_features(onnx.compose.add_prefix(given, _NETWORK), network, model.backbone["preprocessing"])
    behind = _head(head, sum(each.shape[1] for each in network.layers), before, known)
    whole = onnx.compose.merge_models(before, behind, [(_FEATURES, behind.graph.input[0].name)])
    onnx_file.save(whole, description, path)


def _opset(model: Any) -> int:
    return next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))


def _head(head: HeadWeights, width: int, before: Any, known: np.ndarray | None) -> Any:
    """Return the ONNX model from features, 1 × D, to the answers, in the versions of the model that comes before it."""
    import keras
    import onnx

    features, opset = keras.Input((width,), name=_FEATURES), _opset(before)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "head.onnx")
        whole = keras_model.after_features(features, features, head, known)
        keras_formats.to_onnx(whole, {}, path, min(opset, _NEWEST))
        found = onnx.load(path)
    if opset > _NEWEST:
        found = onnx.version_converter.convert_version(found, opset)
    found.ir_version = before.ir_version
    return found


def _to_features(given: Any, network: network_file.Network, chosen: dict[str, Any]) -> Any:
    """Return the ONNX model from pixels to features, 1 × D; chosen: backbone.preprocessing."""
    import onnx
    from onnx import TensorProto, helper

    graph = given.graph
    weights = {each.name for each in graph.initializer}
    [image] = [each for each in graph.input if each.name not in weights]
    front, back = _Nodes("before", _opset(given)), _Nodes("behind", _opset(given))
    _prepare(front, image, network.layout, chosen)
    known = {name for node in graph.node for name in node.output}
    back.add("Concat", [_row(back, each, known) for each in network.layers], _FEATURES, axis=1)
    side, width = network.model.input(0).shape[2], sum(each.shape[1] for each in network.layers)
    whole = helper.make_model(
        helper.make_graph(
            [*front.made, *graph.node, *back.made],
            "two_huskies",
            [helper.make_tensor_value_info(keras_model.INPUT, TensorProto.FLOAT, [1, side, side, 3])],
            [helper.make_tensor_value_info(_FEATURES, TensorProto.FLOAT, [1, width])],
            [*graph.initializer, *front.constants, *back.constants],
        ),
        opset_imports=given.opset_import,
        ir_version=given.ir_version,
        functions=given.functions,
    )
    # What only led to other outputs goes.
    return onnx.utils.Extractor(whole).extract_model([keras_model.INPUT], [_FEATURES])


class _Nodes:
    """Operations that are put before or behind the network, in order, and their constants."""

    def __init__(self, place: str, opset: int):
        self._place = place
        self.opset = opset
        self.made: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operation: str, inputs: list[Any], output: str = "", **attributes: Any) -> str:
        """Add an operation on tensors, given by name, and on constants, given as arrays; return its output's name."""
        from onnx import helper, numpy_helper

        output = output or f"{self._place}_{len(self.made)}"
        names = []
        for given in inputs:
            if isinstance(given, np.ndarray):
                name = f"{self._place}_constant_{len(self.constants)}"
                self.constants.append(numpy_helper.from_array(given, name))
                given = name
            names.append(given)
        self.made.append(helper.make_node(operation, names, [output], name=output, **attributes))
        return output


def _prepare(nodes: _Nodes, image: Any, layout: str, chosen: dict[str, Any]) -> None:
    """Make the network's image of the pixels, as file_input.with_pixels does."""
    found = keras_model.INPUT
    if chosen["channels"] == "bgr":
        found = nodes.add("Gather", [found, np.array([2, 1, 0])], axis=3)
    for operation, values, nothing in (("Sub", chosen["mean"], 0), ("Div", chosen["std"], chosen["scale"])):
        if set(values) != {nothing}:
            found = nodes.add(operation, [found, (np.array(values) / chosen["scale"]).astype(np.float32)])
    if layout == "nchw":
        found = nodes.add("Transpose", [found], perm=[0, 3, 1, 2])
    nodes.add("Cast", [found], image.name, to=image.type.tensor_type.elem_type)


def _row(nodes: _Nodes, layer: Layer, known: set[str]) -> str:
    """Make the row of a layer, as file_pooling.row does; return its name. known: the tensors of the network."""
    from onnx import TensorProto

    names = sorted(_NETWORK + each for each in layer.tensor.get_names())
    found = next((each for each in names if each in known), None)
    if found is None:
        raise ValueError(f"its backbone has no tensor {openvino_setup.name(layer.tensor)} in ONNX")
    found = nodes.add("Cast", [found], to=TensorProto.FLOAT)
    if not layer.axes:
        return found
    parts = [
        nodes.add("Slice", [found, *(np.array([each]) for each in (start, stop, 1))]) for start, stop in layer.tokens
    ]
    means = [_mean(nodes, each, layer.axes) for each in parts or [found]]
    return means[0] if len(means) == 1 else nodes.add("Concat", means, axis=1)


def _mean(nodes: _Nodes, given: str, axes: tuple[int, ...]) -> str:
    if nodes.opset < _AXES_AS_INPUT:
        return nodes.add("ReduceMean", [given], axes=axes, keepdims=0)
    return nodes.add("ReduceMean", [given, np.array(axes)], keepdims=0)
