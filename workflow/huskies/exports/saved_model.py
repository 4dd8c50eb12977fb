"""TensorFlow's SavedModel of a classifier: one serving signature, its weights in the graph, and the same bytes always.

What Keras writes has its variables, functions and a fingerprint in an order that changes from run to run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from huskies.backbone import tensorflow_setup
from huskies.exports.description import NAME, text

SIGNATURE = "serving_default"


def save(model: Any, description: dict[str, Any], folder: Path) -> None:
    """Write a Keras model to a folder; the description lies in its assets.extra, which TensorFlow lets be."""
    tensorflow = tensorflow_setup.load_tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    names = sorted(model.output)
    given = tensorflow.TensorSpec((None, *model.input_shape[1:]), "float32", name=model.input.name)

    def answer(pixels):
        found = model(pixels, training=False)
        return [found[name] for name in names]

    traced = tensorflow.function(answer, input_signature=[given]).get_concrete_function()
    frozen = convert_variables_to_constants_v2(traced)

    def serve(pixels):
        return dict(zip(names, frozen(pixels), strict=True))

    serving = tensorflow.function(serve, input_signature=[given])
    tensorflow.saved_model.save(tensorflow.Module(), str(folder), signatures={SIGNATURE: serving})
    _settle(folder)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / NAME).write_text(text(description), encoding="utf-8")


def _settle(folder: Path) -> None:
    """Put in order what TensorFlow wrote in any order, and leave out the fingerprint, of which a part is random."""
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in saved.meta_graphs:
        library = graph.graph_def.library
        _sort(library.function, lambda each: each.signature.name)
        # Nodes are joined by their names, whatever their order, in which TensorFlow's threads finish them.
        for nodes in (graph.graph_def.node, *(function.node_def for function in library.function)):
            _sort(nodes, lambda each: each.name)
    path.write_bytes(saved.SerializeToString(deterministic=True))
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def _sort(parts: Any, key: Callable[[Any], str]) -> None:
    ordered = sorted(parts, key=key)
    copies = [type(each).FromString(each.SerializeToString()) for each in ordered]
    del parts[:]
    parts.extend(copies)
