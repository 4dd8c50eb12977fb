"""Make the networks in this folder, each a few hundred bytes, with the package onnx: `python tests/networks/make.py`.

What they compute can be done on paper: a row is WEIGHTS × the mean of an image's pixels, or of a part of them.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 8 - 0.5


def save(name: str, nodes: list, image: tuple, outputs: dict, constants: dict | None = None, **kept) -> None:
    """Write a network of one image (type, shape) and float outputs of the shapes given, by name."""
    constants = {"weights": WEIGHTS[:, :, None, None], **(constants or {})}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("image", *image)],
        [helper.make_tensor_value_info(each, kind, shape) for each, (kind, shape) in outputs.items()],
        [numpy_helper.from_array(value, each) for each, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (HERE / name).parent.mkdir(exist_ok=True)
    onnx.save(model, HERE / name, **kept)


def main() -> None:
    """Write every network."""
    real, half, byte = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8
    conv = helper.make_node("Conv", ["image", "weights"], ["map"])
    row = [helper.make_node("GlobalAveragePool", ["map"], ["mean"]), helper.make_node("Flatten", ["mean"], ["row"])]
    open_image = (real, ["batch", 3, "height", "width"])
    open_row = {"row": (real, ["batch", 4])}
    save("row.onnx", [conv, *row], open_image, open_row)
    save("fixed.onnx", [conv, *row], (real, [3, 3, 32, 32]), {"row": (real, [3, 4])})
    save("map.onnx", [conv], open_image, {"map": (real, ["batch", 4, "height", "width"])})
    last = helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2])
    save(
        "channels_last.onnx",
        [last, helper.make_node("Conv", ["first", "weights"], ["map"]), *row],
        (real, ["batch", 32, 32, 3]),
        open_row,
    )
    save(
        "half.onnx",
        [conv, *row],
        (half, ["batch", 3, 32, 32]),
        {"row": (half, ["batch", 4])},
        {"weights": WEIGHTS[:, :, None, None].astype(np.float16)},
    )
    cast = helper.make_node("Cast", ["image"], ["numbers"], to=real)
    save(
        "bytes.onnx",
        [cast, helper.make_node("Conv", ["numbers", "weights"], ["map"]), *row],
        (byte, ["batch", 3, 32, 32]),
        open_row,
    )
    save(
        "outside/row.onnx",
        [conv, *row],
        open_image,
        open_row,
        save_as_external_data=True,
        location="row.data",
        size_threshold=0,
    )
    save(
        "grey.onnx",
        [helper.make_node("Flatten", ["image"], ["row"])],
        (real, [1, 1, 32, 32]),
        {"row": (real, [1, 1024])},
    )
    save("wide.onnx", [conv, *row], (real, ["batch", 3, 32, 48]), open_row)
    tokens()


def tokens() -> None:
    """Write a network of 16 patches of 8 × 8 pixels behind one token, with two blocks, and a second output."""
    real = TensorProto.FLOAT
    constants = {
        "patches": np.tile(WEIGHTS[:, :, None, None], (1, 1, 8, 8)) / 64,
        "to_tokens": np.array([0, 4, 16], np.int64),
        "one": np.ones(1, np.float32),
        "tenth": np.full(1, 0.1, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "patches"], ["map"], strides=[8, 8]),
        helper.make_node("Reshape", ["map", "to_tokens"], ["flat"]),
        helper.make_node("Transpose", ["flat"], ["patch_tokens"], perm=[0, 2, 1]),
        helper.make_node("ReduceMean", ["patch_tokens"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Add", ["mean", "one"], ["cls"]),
        helper.make_node("Concat", ["cls", "patch_tokens"], ["stream_0"], axis=1),
    ]
    # As in a transformer: two sums a block, and what they add are functions of what they are added to.
    for number in range(8):
        before, after = f"stream_{number}", f"stream_{number + 1}"
        nodes.append(helper.make_node("Mul", [before, "tenth"], [f"branch_{number}"]))
        nodes.append(helper.make_node("Add", [before, f"branch_{number}"], [after]))
    nodes += [
        helper.make_node("Identity", ["stream_8"], ["last_hidden_state"]),
        helper.make_node("ReduceMean", ["stream_8"], ["pooler_output"], axes=[1], keepdims=0),
    ]
    outputs = {"last_hidden_state": (real, ["batch", 17, 4]), "pooler_output": (real, ["batch", 4])}
    save("tokens.onnx", nodes, (real, ["batch", 3, 32, 32]), outputs, constants)


if __name__ == "__main__":
    main()
