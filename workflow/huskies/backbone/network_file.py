"""A network in a file, ONNX or OpenVINO's own format, from pixels to pooled features; OpenVINO reads and computes it.

`backbone.preprocessing` says how it wants its pixels, `backbone.output` which tensor to take, `backbone.pooling` how
to make one row of it. All is checked against the network's own shapes before anything is computed.
"""

import re
from pathlib import Path
from typing import Any

from huskies.backbone import architectures, file_blocks, file_pooling, openvino_setup
from huskies.errors import HuskyError, nearest, some

# How OpenVINO names a file of weights that it was not given.
_EXTERNAL = re.compile(r"ExternalDataInfo\(data_full_path: ([^,/]+),")
_FLOATS = ("f32", "f16", "bf16", "f64")


def assemble(backbone: dict[str, Any], batch: int) -> tuple[Any, list[int]]:
    """Return (OpenVINO model from uint8 pixels, B × side × side × 3, to float32 features, B × D; width of each layer).

    backbone: the section of params.yaml, resolved (presets.settle). batch: B, where the file leaves it open. The layers
    are those of file_blocks where `layer` is auto, else the output alone. Raises HuskyError, naming the file, for one
    that cannot be read, that takes other than one image of three channels, and where shapes do not fit the parameters.
    """
    openvino = openvino_setup.load_openvino()
    file = path(backbone["weights"])
    model = _read(file)
    layout = _fix_input(model, file, backbone, batch)
    output = _tensor(model, file, backbone["output"])
    pooled = file_pooling.pooled(output, backbone["pooling"], layout, f"backbone.output: {_name(output)} of {file}")
    layers = [pooled]
    if backbone["layer"] == "auto":
        layers = file_blocks.chosen(model, output, pooled, backbone["pooling"], layout)
    joined = layers[0] if len(layers) == 1 else openvino.opset15.concat(layers, 1).output(0)
    features = openvino.opset15.convert(joined, openvino.Type.f32).output(0)
    whole = openvino.Model([features], model.get_parameters(), "backbone")
    return _with_pixels(whole, file, backbone["preprocessing"], layout), [each.shape[1] for each in layers]


def path(weights: str) -> Path:
    """Return the file of a network: that of backbone.weights, or the only one in its folder. Raises HuskyError."""
    found = architectures.weights_file(weights)
    if found.is_dir():
        files = sorted(each for each in found.iterdir() if each.name.endswith(architectures.NETWORK_ENDINGS))
        if len(files) != 1:
            raise HuskyError(
                f"backbone.weights: {found} holds {some([each.name for each in files]) if files else 'no network'}. "
                "Leave exactly one .onnx or .xml file in it, beside the files that belong to it."
            )
        return files[0]
    if found.suffix == ".xml":
        raise HuskyError(_belongs_together(found, found.with_suffix(".bin").name))
    return found


def _belongs_together(file: Path, other: str) -> str:
    folder = file.with_suffix("")
    return (
        f"backbone.weights: {file} keeps its weights in another file, {other}, whose changes nobody would notice. Put "
        f"both into a folder of their own: mkdir {folder} && mv {file} {file.parent / other} {folder}, and set "
        f"backbone.weights to {folder.name}."
    )


def _read(file: Path) -> Any:
    core = openvino_setup.core()
    try:
        # From memory there is no other file to take weights from.
        alone = file.parent.name == "backbones"
        return core.read_model(file.read_bytes()) if alone else core.read_model(file)
    except Exception as error:
        if elsewhere := _EXTERNAL.search(str(error)):
            raise HuskyError(_belongs_together(file, elsewhere.group(1))) from None
        raise HuskyError(
            f"backbone.weights: {file} cannot be read: {openvino_setup.reason(error)}. Export the network again, or "
            "choose another in params.yaml."
        ) from None


def _fix_input(model: Any, file: Path, backbone: dict[str, Any], batch: int) -> str:
    """Give the model's input the shape that it will have; return its layout, nchw or nhwc."""
    if len(model.inputs) != 1:
        names = ", ".join(_name(each) for each in model.inputs)
        raise HuskyError(
            f"backbone.weights: {file} takes {len(model.inputs)} inputs ({names}), and is given images alone. Export "
            "the part of the network that sees images."
        )
    image, chosen = model.input(0), backbone["preprocessing"]
    shape = image.get_partial_shape()
    layout = chosen["layout"] or _layout(file, shape)
    rows, columns, channels = (2, 3, 1) if layout == "nchw" else (1, 2, 3)
    if shape.rank.get_length() != 4 or (shape[channels].is_static and shape[channels].get_length() != 3):
        raise HuskyError(
            f"backbone.preprocessing: {file} takes {shape}, and is given three channels in the layout {layout}. Choose "
            "the other layout, or a network for colour images."
        )
    side = _side(file, [shape[each] for each in (rows, columns)], chosen["side"])
    size = shape[0].get_length() if shape[0].is_static else batch
    fixed = [size, 3, side, side] if layout == "nchw" else [size, side, side, 3]
    try:
        model.reshape({image: fixed})
    except Exception as error:
        raise HuskyError(
            f"backbone.preprocessing: {file} cannot take {side} × {side} pixels: {openvino_setup.reason(error)}. Set "
            "side to what the network was made for."
        ) from None
    return layout


def _layout(file: Path, shape: Any) -> str:
    found = []
    if shape.rank.is_static and shape.rank.get_length() == 4:
        found = [
            layout
            for layout, axis in (("nchw", 1), ("nhwc", 3))
            if shape[axis].is_static and shape[axis].get_length() == 3
        ]
    if len(found) != 1:
        raise HuskyError(
            f"backbone.preprocessing: {file} takes {shape}, which does not say where the three channels are. Set "
            "layout to nchw or nhwc, or choose a network for colour images."
        )
    return found[0]


def _side(file: Path, dimensions: list, chosen: int | None) -> int:
    fixed = [each.get_length() for each in dimensions if each.is_static]
    if len(set(fixed)) > 1:
        raise HuskyError(
            f"backbone.weights: {file} takes {fixed[0]} × {fixed[1]} pixels, and is given squares. Export it with a "
            "square input."
        )
    if fixed and chosen and chosen != fixed[0]:
        raise HuskyError(
            f"backbone.preprocessing: {file} takes {fixed[0]} × {fixed[0]} pixels, and the side is set to {chosen}. "
            f"Set backbone.preprocessing.side to {fixed[0]}, and leave backbone.input_size empty."
        )
    if not (fixed or chosen):
        raise HuskyError(
            f"backbone.preprocessing: {file} takes images of any size. Set side to the number of pixels that the "
            "network was trained on."
        )
    return chosen or fixed[0]


def _name(tensor: Any) -> str:
    return min(tensor.get_names(), default=tensor.get_node().get_friendly_name())


def _tensor(model: Any, file: Path, name: str | None) -> Any:
    """Return the output of this name, or the tensor within the network; the only one that would do if none is given."""
    shapes = {_name(each): each.get_partial_shape() for each in model.outputs}
    fit = [each for each, shape in shapes.items() if shape.rank.is_static and shape.rank.get_length() in (2, 3, 4)]
    wanted = fit[0] if name is None and len(fit) == 1 else name
    for output in model.outputs:
        if wanted in output.get_names():
            return output.get_node().input_value(0)
    for operation in model.get_ops():
        for tensor in operation.outputs():
            if wanted in tensor.get_names():
                return tensor
    listed = some([f"{each} {shape}" for each, shape in shapes.items()])
    asked = f"has no output '{name}'.{nearest(name, shapes)} It has" if name else f"has {len(shapes)} outputs:"
    do = f"Set it to {some(fit)}" if fit else "None of them has features: export the network without its last layer"
    raise HuskyError(f"backbone.output: {file} {asked} {listed}. {do}.")


def _with_pixels(model: Any, file: Path, chosen: dict[str, Any], layout: str) -> Any:
    """Return the model with uint8 RGB pixels, B × side × side × 3, for an input, and their arithmetic in front."""
    openvino = openvino_setup.load_openvino()
    wanted = model.input(0).get_element_type()
    plain = chosen["scale"] == 1.0 and not any(chosen["mean"]) and set(chosen["std"]) == {1.0}
    if wanted.get_type_name() not in (*_FLOATS, "u8") or (wanted.get_type_name() == "u8" and not plain):
        raise HuskyError(
            f"backbone.preprocessing: {file} takes numbers of type {wanted.get_type_name()}. "
            + ("Set scale to 1.0, and leave mean and std out." if wanted.get_type_name() == "u8" else "Export it anew.")
        )
    prepared = openvino.preprocess.PrePostProcessor(model)
    image = prepared.input(0)
    image.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    image.model().set_layout(openvino.Layout(layout.upper()))
    steps = image.preprocess()
    if chosen["channels"] == "bgr":
        steps.reverse_channels()
    if not plain:
        steps.convert_element_type(openvino.Type.f32)
        steps.mean([each / chosen["scale"] for each in chosen["mean"]])
        steps.scale([each / chosen["scale"] for each in chosen["std"]])
    if wanted.get_type_name() != "u8":
        steps.convert_element_type(wanted)
    return prepared.build()
