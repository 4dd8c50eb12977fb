"""What a backbone costs: how much it computes of an image, and how large it is. Both are the same on every machine."""

import functools
import math
from typing import Any

from huskies.backbone import network, openvino_engine

# The operations that nearly all of the work is in.
_KERNELS = ("Convolution", "GroupConvolution", "MatMul")


def of(parameters: dict[str, Any]) -> dict[str, float]:
    """Return `multiply_adds` of an image in billions, and `megabytes` of weights in float32, without a last layer.

    parameters: the section `backbone`, settled. They are counted in the network as OpenVINO has it.
    """
    model = openvino_engine.model(parameters, functools.partial(network.trace, parameters))
    images = model.input(0).shape[0]
    weights = [each for each in model.get_ops() if each.get_type_name() == "Constant"]
    counted = sum(_multiply_adds(each) for each in model.get_ops() if each.get_type_name() in _KERNELS)
    return {
        "multiply_adds": round(counted / images / 1e9, 4),
        "megabytes": round(sum(math.prod(each.shape) * 4 for each in weights) / 1e6, 1),
    }


def _multiply_adds(operation: Any) -> int:
    """Return the multiply-adds of an operation on a whole batch."""
    out = math.prod(operation.output(0).shape)
    first, second = (list(operation.input(number).get_shape()) for number in (0, 1))
    if operation.get_type_name() == "MatMul":
        return out * first[-2 if operation.get_attributes()["transpose_a"] else -1]
    # Of a convolution's weights, those of one output: channels in × height × width; groups come first where there are.
    return out * math.prod(second[1:] if operation.get_type_name() == "Convolution" else second[2:])
