"""Where `backbone.layer: auto` takes the bottleneck in a network in a file: at its residual blocks, as in `blocks`.

A file has no names to go by. What ends a block is an addition of two branches through whose sum everything passes
(He et al. 2016, arXiv:1512.03385); a block of a transformer has two of them, after its attention and after its layers
of neurons. A network without such additions has its output alone.
"""

from typing import Any

from huskies.backbone import blocks, file_pooling
from huskies.backbone.file_pooling import Layer


def chosen(model: Any, end: Layer, pooling: str | None, layout: str) -> list[Layer]:
    """Return every second block's end, and the network's, as `blocks.chosen` takes them.

    end: the tensor that is taken at the network's end, as a row. pooling, layout: as in file_pooling. Blocks are pooled
    as the end is, and by their mean where that is a row already.
    """
    every = pooling if len(end.tensor.shape) == 3 else None
    found = [
        file_pooling.layer(each, every if len(each.shape) == 3 else None, layout, "")
        for each in _ends(model, end.tensor)
    ]
    # As in blocks.outputs: what follows the last block and keeps its width is of that block.
    if found and _width(found[-1].tensor, layout) == _width(end.tensor, layout):
        return blocks.chosen([*found[:-1], end], [])
    return blocks.chosen(found, [end])


def _width(tensor: Any, layout: str) -> int:
    return tensor.shape[file_pooling.features(tensor, layout)]


def _ends(model: Any, output: Any) -> list[Any]:
    """Return the sums that end a block, in order."""
    sums = [each for each in _everything_passes(model, output) if _adds_branches(each)]
    tokens = [each for each in sums if len(each.shape) == 3]
    maps = [each for each in sums if len(each.shape) == 4]
    # Two sums a block, of which the second ends it.
    return [*maps, *tokens[::-1][::2][::-1]]


def _adds_branches(tensor: Any) -> bool:
    node = tensor.get_node()
    if node.get_type_name() != "Add":
        return False
    sources = [place.get_source_output() for place in node.inputs()]
    constant = any(each.get_node().get_type_name() == "Constant" for each in sources)
    return not constant and sources[0].get_partial_shape() == sources[1].get_partial_shape()


def _everything_passes(model: Any, output: Any) -> list[Any]:
    """Return the tensors between the image and `output` that are all that what follows goes by, in order."""
    operations = _between(model, output)
    last = {_of(place): number for number, operation in enumerate(operations) for place in operation.inputs()}
    found, waiting = [], set()
    for number, operation in enumerate(operations):
        waiting -= {_of(place) for place in operation.inputs() if last[_of(place)] == number}
        waiting |= {_key(each) for each in operation.outputs() if _key(each) in last}
        if waiting == {_key(operation.output(0))}:
            found.append(operation.output(0))
    return found


def _key(tensor: Any) -> tuple[str, int]:
    return tensor.get_node().get_friendly_name(), tensor.get_index()


def _of(place: Any) -> tuple[str, int]:
    return _key(place.get_source_output())


def _between(model: Any, output: Any) -> list[Any]:
    """Return the operations that carry the image to `output`, in order: no constants, and nothing of shapes."""
    operations, carry = model.get_ordered_ops(), set()
    for each in operations:
        sources = {_of(place)[0] for place in each.inputs()}
        if each.get_type_name() == "Parameter" or (each.get_type_name() != "ShapeOf" and sources & carry):
            carry.add(each.get_friendly_name())
    needed = {output.get_node().get_friendly_name()}
    for each in reversed(operations):
        if each.get_friendly_name() in needed:
            needed |= {_of(place)[0] for place in each.inputs()}
    return [each for each in operations if each.get_friendly_name() in carry & needed]
