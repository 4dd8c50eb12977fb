"""Networks of Keras, written into a file and read back, against Keras itself; writes exported_networks.csv.

    python benchmarks/exported_networks.py [NAME …]; then --report for the table in docs/backbones.md

Weights are random, since no accuracy is asked for: what is measured is whether the file computes what Keras computes.
With KerasHub installed, small transformers are among the networks.
"""

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import page_tables
from huskies import atomic
from huskies.backbone import network_file, openvino_engine, presets, tensorflow_setup
from huskies.errors import HuskyError

HERE = Path(__file__).parent
TABLE, PAGE = HERE / "exported_networks.csv", HERE.parent / "docs/backbones.md"
BEGIN = "<!-- What files compute, by benchmarks/exported_networks.py. -->"
END = "<!-- The end of what files compute. -->"
COLUMNS = ("network", "format", "pooling", "cosine", "difference", "layers", "reason")
NAMES = (
    "MobileNet", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "EfficientNetV2B0", "ResNet50", "ResNet50V2",
    "DenseNet121", "InceptionV3", "Xception", "NASNetMobile", "ConvNeXtTiny",
)  # fmt: skip
TRANSFORMERS = {
    "DINOV2": {"num_register_tokens": 0, "intermediate_dim": 96},
    "DINOV2 with registers": {"num_register_tokens": 4, "intermediate_dim": 96},
    "DINOV3": {"num_register_tokens": 4, "intermediate_dim": 96},
    "ViT": {"mlp_dim": 96},
}
SIDE = {"of keras.applications": 96, "of KerasHub": 56}
FORMATS = {"onnx": "{}.onnx", "openvino": "{}/network.xml"}
POOLINGS = ("mean", "cls", "cls+mean")


def made(name: str) -> tuple[object, int]:
    """Return (Keras network with random weights, from pixels of −1 to 1 to a row or to tokens; its side)."""
    import keras

    keras.utils.set_random_seed(1)
    if name not in TRANSFORMERS:
        side = SIDE["of keras.applications"]
        architecture = getattr(keras.applications, name)
        return architecture(weights=None, include_top=False, pooling="avg", input_shape=(side, side, 3)), side
    import keras_hub

    side = SIDE["of KerasHub"]
    size = {"patch_size": 14, "num_layers": 6, "hidden_dim": 48, "num_heads": 3, "image_shape": (side, side, 3)}
    model = getattr(keras_hub.models, f"{name.split()[0]}Backbone")(**size, **TRANSFORMERS[name])
    # As they come, all its tokens are alike.
    random = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(weight + 0.05 * random.standard_normal(weight.shape))
    return model, side


def of_keras(model: object, pixels: np.ndarray) -> dict[str | None, np.ndarray]:
    """Return the features that Keras computes of uint8 pixels, by pooling; None where the network pools by itself."""
    given = dict.fromkeys(model.input, pixels / 127.5 - 1) if isinstance(model.input, dict) else pixels / 127.5 - 1
    found = np.asarray(model.predict(given, verbose=0))
    if found.ndim == 2:
        return {None: found}
    patches = found[:, found.shape[1] - int(found.shape[1] ** 0.5) ** 2 :]
    cls, mean = found[:, 0], patches.mean(axis=1)
    return dict(zip(POOLINGS, (mean, cls, np.concatenate([cls, mean], axis=1)), strict=True))


def section(weights: str, side: int, pooling: str | None, layer: str | None) -> dict:
    """Return the section `backbone` of params.yaml for a file, resolved."""
    # In OpenVINO's format, Keras leaves what lies within the network among its outputs, under longer names.
    output = None if weights.endswith(".onnx") else "Identity:0"
    wanted = {"side": side, "scale": 1 / 127.5, "mean": [1.0, 1.0, 1.0]}
    given = {
        "name": None,
        "arguments": {},
        "weights": weights,
        "input_size": None,
        "preprocessing": wanted,
        "output": output,
    }
    return presets.settle({**given, "layer": layer, "pooling": pooling, "engine": "auto", "precision": "float32"})


def compared(name: str, kind: str) -> Iterator[tuple]:
    """Yield a row of the table for each pooling of a network in one format."""
    model, side = made(name)
    pixels = openvino_engine.pictures(side)
    expected = of_keras(model, pixels)
    file = Path("backbones", FORMATS[kind].format(name.replace(" ", "-")))
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        model.export(str(file), format=kind, verbose=False)
        weights = file.name if kind == "onnx" else file.parent.name
        for pooling, rows in expected.items():
            _, widths = network_file.assemble(section(weights, side, pooling, "auto"), openvino_engine.BATCH)
            infer, _, size = openvino_engine.load(section(weights, side, pooling, None), 1, None)
            found = openvino_engine._in_batches(infer, pixels, size)
            cosine, difference = openvino_engine._least_cosine(found, rows), np.abs(found - rows).max()
            yield name, kind, pooling or "its own", f"{cosine:.7f}", f"{difference:.1e}", len(widths), ""
    except HuskyError as error:
        yield name, kind, "", "", "", "", str(error).partition("cannot be read: ")[2].partition(". ")[0] or str(error)


def shown(rows: list[dict[str, str]]) -> str:
    """Return the table for the page."""
    lines = ["| network | ONNX | OpenVINO | layers by `auto` |", "|---|---|---|---|"]
    for network in dict.fromkeys(row["network"] for row in rows):
        cells = {}
        for kind in FORMATS:
            mine = [row for row in rows if row["network"] == network and row["format"] == kind]
            cosines = [row["cosine"] for row in mine if row["cosine"]]
            cells[kind] = min(cosines) if cosines else next((row["reason"] for row in mine), "")
        layers = next((row["layers"] for row in rows if row["network"] == network and row["layers"]), "")
        lines.append(f"| {network} | {cells['onnx']} | {cells['openvino']} | {layers} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the networks that are named, or all, and put the table into the page with --report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*NAMES, *TRANSFORMERS])
    parser.add_argument("--report", action="store_true")
    asked = parser.parse_args()
    rows = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())) if TABLE.exists() else []
    if asked.report:
        page = page_tables.put(PAGE.read_text(encoding="utf-8"), BEGIN, END, shown(rows))
        atomic.write(PAGE, page.encode())
        return
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()
    tensorflow_setup.load_tensorflow()
    kept = (HERE.parent / "backbones/presets.yaml").read_bytes()
    for name in asked.names:
        rows = [row for row in rows if row["network"] != name]
        with tempfile.TemporaryDirectory() as folder, chdir(folder):
            Path("backbones").mkdir()
            Path("backbones/presets.yaml").write_bytes(kept)
            found = [row for kind in FORMATS for row in compared(name, kind)]
        rows += [dict(zip(COLUMNS, map(str, row), strict=True)) for row in found]
        print(*found, sep="\n", file=sys.stderr, flush=True)
        order = [*NAMES, *TRANSFORMERS]
        rows.sort(key=lambda row: order.index(row["network"]))
        with open(TABLE, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
