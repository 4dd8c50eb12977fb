"""One row of features for each image, from what a network in a file gives: a row, tokens, or a map of pixels."""

import math
from dataclasses import dataclass
from typing import Any

from huskies.backbone import openvino_setup
from huskies.errors import HuskyError


@dataclass(frozen=True)
class Layer:
    """A tensor of a network in a file, and how a row of features is made of it: by means over some of its axes.

    tensor: an OpenVINO output of B × D, of tokens, B × T × D, or of a map. axes: those of the means, none for a row.
    tokens: (first, beyond the last) of each part of the tokens that has a mean of its own; the parts are joined.
    shape: B and the number of features of a row.
    """

    tensor: Any
    axes: tuple[int, ...]
    tokens: tuple[tuple[int, int], ...]
    shape: tuple[int, int]


def layer(output: Any, pooling: str | None, layout: str, where: str) -> Layer:
    """Return how a row is made of an OpenVINO output of B × D, of tokens, B × T × D, or of a map in the layout.

    pooling: mean over pixels or patches, cls (the first token), cls+mean, none for what is a row already, None for what
    the shape calls for. layout: nchw or nhwc. where: what errors begin with. Tokens before the patches, whose number
    is a square, are no patches: the first is cls, others are registers (Darcet et al. 2024, arXiv:2309.16588).
    Raises HuskyError for a pooling that the shape does not have.
    """
    shape = output.get_partial_shape()
    rank = shape.rank.get_length() if shape.rank.is_static else 0
    wanted = pooling or {2: "none"}.get(rank, "mean")
    able = {2: ("none",), 3: ("mean", "cls", "cls+mean"), 4: ("mean",)}.get(rank, ())
    if not shape.is_static or not able:
        raise HuskyError(f"{where} is {shape}, and features are B × D, B × tokens × D or a map of pixels. Set another.")
    if wanted not in able:
        raise HuskyError(
            f"backbone.pooling is {wanted}, but {where.removeprefix('backbone.output: ')} is {shape}. Set it to "
            f"{' or '.join(able)}."
        )
    axis = features(output, layout)
    batch, width = output.shape[0], output.shape[axis]
    if rank == 3:
        parts = _parts(output, wanted, where)
        return Layer(output, (1,), parts, (batch, width * len(parts)))
    return Layer(output, tuple(each for each in range(1, rank) if each != axis), (), (batch, width))


def features(output: Any, layout: str) -> int:
    """Return the axis of the features of an output of B × D, B × T × D or of a map.

    Images are squares, and so are maps of them. A convolution within a file may have another layout than the image, and
    only where a map has as many features as rows is it taken to have the layout of the image.
    """
    shape = list(output.shape)
    if len(shape) < 4:
        return len(shape) - 1
    first, last = shape[2] == shape[3], shape[1] == shape[2]
    return {"nchw": 1, "nhwc": 3}[layout] if first == last else 1 if first else 3


def _parts(output: Any, pooling: str, where: str) -> tuple[tuple[int, int], ...]:
    tokens = output.shape[1]
    before = tokens - math.isqrt(tokens) ** 2
    if "cls" in pooling and not before:
        raise HuskyError(
            f"backbone.pooling is {pooling}, but {where.removeprefix('backbone.output: ')} has {tokens} tokens, which "
            "are all patches. Set it to mean."
        )
    found = {"cls": (0, 1), "mean": (before, tokens)}
    return tuple(found[each] for each in pooling.split("+"))


def row(found: Layer) -> Any:
    """Return the OpenVINO output, B × D, that a layer comes to."""
    if not found.axes:
        return found.tensor
    operations = openvino_setup.load_openvino().opset15

    def part(start: int, stop: int) -> Any:
        bounds = [operations.constant([each]) for each in (start, stop, 1, 1)]
        return operations.slice(found.tensor, *bounds).output(0)

    parts = [_mean(part(*bounds), found.axes) for bounds in found.tokens] or [_mean(found.tensor, found.axes)]
    return parts[0] if len(parts) == 1 else operations.concat(parts, 1).output(0)


def _mean(output: Any, axes: tuple[int, ...]) -> Any:
    openvino = openvino_setup.load_openvino()
    exact = openvino.opset15.convert(output, openvino.Type.f32)
    return openvino.opset15.reduce_mean(exact, openvino.opset15.constant(list(axes)), False).output(0)
