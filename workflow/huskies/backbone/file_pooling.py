"""One row of features for each image, from what a network in a file gives: a row, tokens, or a map of pixels."""

import math
from typing import Any

from huskies.backbone import openvino_setup
from huskies.errors import HuskyError


def pooled(output: Any, pooling: str | None, layout: str, where: str) -> Any:
    """Return an OpenVINO output of B × D for one of B × D, of tokens, B × T × D, or of a map in the layout.

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
    if rank == 2:
        return output
    if rank == 4:
        return _mean(output, [each for each in (1, 2, 3) if each != features(output, layout)])
    return _of_tokens(output, wanted, where)


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


def _mean(output: Any, axes: list[int]) -> Any:
    openvino = openvino_setup.load_openvino()
    exact = openvino.opset15.convert(output, openvino.Type.f32)
    return openvino.opset15.reduce_mean(exact, openvino.opset15.constant(axes), False).output(0)


def _of_tokens(output: Any, pooling: str, where: str) -> Any:
    operations = openvino_setup.load_openvino().opset15
    tokens = output.shape[1]
    before = tokens - math.isqrt(tokens) ** 2
    if "cls" in pooling and not before:
        raise HuskyError(
            f"backbone.pooling is {pooling}, but {where.removeprefix('backbone.output: ')} has {tokens} tokens, which "
            "are all patches. Set it to mean."
        )

    def part(start: int, stop: int) -> Any:
        bounds = [operations.constant([each]) for each in (start, stop, 1, 1)]
        return operations.slice(output, *bounds).output(0)

    found = {"cls": lambda: _mean(part(0, 1), [1]), "mean": lambda: _mean(part(before, tokens), [1])}
    parts = [found[each]() for each in pooling.split("+")]
    return parts[0] if len(parts) == 1 else operations.concat(parts, 1).output(0)
