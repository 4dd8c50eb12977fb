"""Which layers `backbone.layer: auto` takes the bottleneck at: every second block, counted from the last one down.

What a network saw on the way to its last layer tells the classes of photos that it was not trained on (Evci et al.
2022, Head2Toe, arXiv:2201.03529; Yosinski et al. 2014, arXiv:1411.1792); docs/backbones.md has what it is worth here.
"""

import re
from collections import Counter

# How the architectures of keras.applications name the layers of a block: the block's own name comes first.
_NAME = re.compile(
    r"conv_pw_\d+"  # MobileNet
    r"|conv\d_block\d+"  # ResNet, ResNetV2, DenseNet
    r"|(?:\w+_stage_\d_)?block_?\d+(?:_\d+|[a-z])?(?=_)"  # MobileNetV2, EfficientNet, ConvNeXt, Xception, VGG
    r"|expanded_conv(?:_\d+)?(?=_)"  # MobileNetV2, MobileNetV3
    r"|mixed(?:\d+(?!\d*_)|_\w+)"  # InceptionV3, where mixed9_1 is of mixed10, and InceptionResNetV2
)
# Bottlenecks are wider than this only where two layers are; the covariance of this many features is 128 MB.
_WIDEST = 4096


def outputs(network) -> tuple[list, list]:
    """Return (the tensor with which each block of a Keras model ends, in order; the model's output, if that is new).

    A block ends with the first tensor, from its last layer on, through which everything passes: an addition or a
    concatenation belongs to it, under whatever name. What follows the last block and keeps its width is of that block,
    and the output is nothing new. An architecture whose blocks are not known has its output alone.
    """
    operations = network.operations
    last = {}
    for number, operation in enumerate(operations):
        if name := _NAME.match(operation.name):
            last[name.group()] = number
    passes = _everything_passes(operations)
    ends = sorted({next(each for each in passes if each >= number) for number in last.values()})
    tensors = [operations[each].output for each in ends]
    if tensors and tensors[-1].shape[-1] == network.output.shape[-1]:
        return [*tensors[:-1], network.output], []
    return tensors, [network.output]


def _everything_passes(operations: list) -> list[int]:
    """Return the numbers of the operations whose output is all that those after them go by."""
    waiting = Counter(id(tensor) for each in operations for tensor in each._inbound_nodes[0].input_tensors)
    found, open_tensors = [], set()
    for number, operation in enumerate(operations):
        for tensor in operation._inbound_nodes[0].input_tensors:
            waiting[id(tensor)] -= 1
            if not waiting[id(tensor)]:
                open_tensors.discard(id(tensor))
        open_tensors.add(id(operation.output))
        if len(open_tensors) == 1:
            found.append(number)
    return found


def chosen(ends: list, output: list) -> list:
    """Return every second of the blocks' ends, counted from the last one down, in their order, and then the output.

    ends, output: as `outputs` returns them. Where these would be wider than 4 096 features together, it is every third,
    and so on.
    """
    for step in range(2, len(ends) + 1):
        kept = [*ends[::-1][::step][::-1], *output]
        if sum(each.shape[-1] for each in kept) <= _WIDEST:
            return kept
    return output or ends[-1:]
