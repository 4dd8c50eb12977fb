"""An ONNX network with its weights in half precision, for where bytes count; it computes in float32 as before."""

from typing import Any

import numpy as np

# Smaller ones cost nothing, and may be what a distance or a temperature hangs on.
_LEAST = 256


def halved(model: Any) -> Any:
    """Return an ONNX model whose larger float32 weights are kept as float16 and cast when it is loaded.

    Weights beyond what half precision holds stay as they are.
    """
    from onnx import ModelProto, TensorProto, helper, numpy_helper

    found = ModelProto()
    found.CopyFrom(model)
    graph, casts = found.graph, []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if weights.data_type != TensorProto.FLOAT or values.size < _LEAST:
            continue
        with np.errstate(over="ignore"):
            small = values.astype(np.float16)
        if not np.isfinite(small).all():
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(small, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], name=f"Cast_{name}", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return found
