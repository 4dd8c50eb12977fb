"""The input of a network in a file: the shape and the layout of its image, and what is done to pixels before it."""

from pathlib import Path
from typing import Any

from huskies.backbone import openvino_setup
from huskies.errors import HuskyError

_FLOATS = ("f32", "f16", "bf16", "f64")


def fix(model: Any, file: Path, backbone: dict[str, Any], batch: int) -> str:
    """Give the input of an OpenVINO model the shape that it will have; return its layout, nchw or nhwc.

    backbone, batch: as for network_file.read. Raises HuskyError for an input that is no image of three channels, and
    for a side that it cannot have.
    """
    if len(model.inputs) != 1:
        names = ", ".join(openvino_setup.name(each) for each in model.inputs)
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


def with_pixels(model: Any, file: Path, chosen: dict[str, Any], layout: str) -> Any:
    """Return the model with uint8 RGB pixels, B × side × side × 3, for an input, and their arithmetic in front.

    chosen: backbone.preprocessing. layout: that of the image. Raises HuskyError for an input of other numbers.
    """
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
