"""A network in a file, from pixels to pooled features: ONNX, OpenVINO's own format, or a preset of KerasHub.

`backbone.preprocessing` says how it wants its pixels, `backbone.output` which tensor to take, `backbone.pooling` how
to make one row of it. All is checked against the network's own shapes before anything is computed.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huskies.backbone import architectures, file_blocks, file_input, file_pooling, keras_hub_preset, openvino_setup
from huskies.backbone.file_pooling import Layer
from huskies.errors import HuskyError, nearest, some

# How OpenVINO names a file of weights that it was not given.
_EXTERNAL = re.compile(r"ExternalDataInfo\(data_full_path: ([^,/]+),")


@dataclass(frozen=True)
class Network:
    """A network in a file whose shapes are settled.

    model: OpenVINO's, from images in `layout`, nchw or nhwc. layers: those that make a row of features, side by side.
    """

    model: Any
    layout: str
    layers: list[Layer]


def read(backbone: dict[str, Any], batch: int) -> Network:
    """Read the network of a backbone, and find its layers: those of file_blocks where `layer` is auto, else the output.

    backbone: the section of params.yaml, resolved (presets.settle). batch: B, where the file leaves it open. Raises
    HuskyError, naming the file, for one that cannot be read, that takes other than one image of three channels, and
    where shapes do not fit the parameters.
    """
    file = path(backbone["weights"])
    model = _read(file)
    layout = file_input.fix(model, file, backbone, batch)
    output = _tensor(model, file, backbone["output"])
    end = file_pooling.layer(
        output, backbone["pooling"], layout, f"backbone.output: {openvino_setup.name(output)} of {file}"
    )
    several = backbone["layer"] == "auto"
    return Network(model, layout, file_blocks.chosen(model, end, backbone["pooling"], layout) if several else [end])


def assemble(backbone: dict[str, Any], batch: int) -> tuple[Any, list[int]]:
    """Return (OpenVINO model from uint8 pixels, B × side × side × 3, to float32 features, B × D; width of each layer).

    All as for `read`.
    """
    openvino = openvino_setup.load_openvino()
    network = read(backbone, batch)
    rows = [file_pooling.row(each) for each in network.layers]
    joined = rows[0] if len(rows) == 1 else openvino.opset15.concat(rows, 1).output(0)
    features = openvino.opset15.convert(joined, openvino.Type.f32).output(0)
    whole = openvino.Model([features], network.model.get_parameters(), "backbone")
    prepared = file_input.with_pixels(whole, path(backbone["weights"]), backbone["preprocessing"], network.layout)
    return prepared, [each.shape[1] for each in network.layers]


def path(weights: str) -> Path:
    """Return the file of a network: that of backbone.weights, or the only one in its folder.

    Of a preset of KerasHub it is the configuration. Raises HuskyError for a folder with none or several.
    """
    found = architectures.weights_file(weights)
    if found.is_dir():
        files = sorted(each for each in found.iterdir() if each.name.endswith(architectures.NETWORK_ENDINGS))
        if not files and keras_hub_preset.is_preset(found):
            return found / keras_hub_preset.CONFIGURATION
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
    if file.name == keras_hub_preset.CONFIGURATION:
        return keras_hub_preset.read(file.parent)
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


def _tensor(model: Any, file: Path, name: str | None) -> Any:
    """Return the output of this name, or the tensor within the network; the only one that would do if none is given."""
    shapes = {openvino_setup.name(each): each.get_partial_shape() for each in model.outputs}
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
