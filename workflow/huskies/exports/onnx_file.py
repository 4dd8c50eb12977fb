"""An ONNX file with names that follow from the network alone: a converter numbers them by whatever came before."""

from pathlib import Path
from typing import Any

from huskies.exports.description import text

_PHOTOS = "photos"


def settle(path: Path, description: dict[str, Any]) -> None:
    """Rewrite a file with its tensors named in the order of their use, and the description in its metadata."""
    import onnx

    model = onnx.load(path)
    graph = model.graph
    kept = {each.name: each.name for each in (*graph.input, *graph.output)}
    weights = {each.name: each for each in graph.initializer}
    used: list[str] = []
    nodes = _in_order(graph)
    for number, node in enumerate(nodes):
        for name in node.input:
            if name in weights and name not in kept:
                kept[name] = f"weights_{len(used)}"
                used.append(name)
        for place, name in enumerate(node.output):
            kept.setdefault(name, f"{node.op_type}_{number}" + (f"_{place}" if place else ""))
        node.name = f"{node.op_type}_{number}"
        node.input[:] = [kept.get(name, name) for name in node.input]
        node.output[:] = [kept.get(name, name) for name in node.output]
    del graph.node[:]
    graph.node.extend(nodes)
    for name in used:
        weights[name].name = kept[name]
    ordered = [weights[name] for name in used]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(ordered)
    graph.name = "two_huskies"
    for each in (*graph.input, *graph.output):
        each.type.tensor_type.shape.dim[0].dim_param = _PHOTOS
    save(model, description, path)


def save(model: Any, description: dict[str, Any], path: Path) -> None:
    """Write an ONNX model, with the description in its metadata, and nothing that a converter had to say."""
    import onnx

    model.doc_string = model.graph.doc_string = ""
    onnx.helper.set_model_props(model, {"two_huskies": text(description)})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _in_order(graph: Any) -> list[Any]:
    """Return copies of the nodes that the outputs follow from, each after what it reads.

    Going back from the outputs by name, and from each node by the order of its inputs, leaves nothing to chance.
    """
    made_by = {name: number for number, node in enumerate(graph.node) for name in node.output}
    found, done, waiting = [], set(), [each.name for each in sorted(graph.output, key=lambda each: each.name)][::-1]
    while waiting:
        number = made_by.get(waiting[-1])
        if number is None or number in done:
            waiting.pop()
            continue
        node = graph.node[number]
        above = [name for name in node.input if name in made_by and made_by[name] not in done]
        if above:
            waiting += above[::-1]
            continue
        done.add(number)
        copied = type(node)()
        copied.CopyFrom(node)
        found.append(copied)
    return found
