"""classifier.html: the classifier in one page that fetches nothing: it works from an e-mail, offline, on a phone.

ONNX Runtime Web computes it, from the network with its weights in half precision. Both lie in the page, compressed.
"""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from huskies.backbone import architectures
from huskies.exports import half, head_weights, keras_formats, keras_model, onnx_network
from huskies.images import codec
from huskies.model.folder import Model
from huskies.page import template

NAME = "classifier.html"
VERSION = "1.30.0"
_FOLDER = Path(__file__).parent
_RUNTIME = _FOLDER / "onnxruntime_web"
_STYLE = _FOLDER.parent / "page" / "page.css"
# Photos that the page can show as the nearest ones, and the side and quality of their thumbnails.
_SHOWN, _SIDE, _QUALITY = 400, 72, 80


def shown(photos: int) -> np.ndarray:
    """Return the numbers, int, of the photos that the page can show: up to 400, evenly spread over all."""
    return np.unique(np.linspace(0, photos - 1, min(photos, _SHOWN)).astype(int))


def network(model: Model, directions: np.ndarray, description: dict[str, Any], path: Path) -> None:
    """Write the network of the page to an ONNX file: OUTPUTS and LIKENESS, to the photos of `shown`.

    directions: float16 N × D, of the photos that were trained on.
    """
    import onnx

    known = directions[shown(len(directions))].astype(np.float32)
    head = head_weights.of(model, directions)
    if architectures.is_network(model.backbone["weights"]):
        onnx_network.save(model, head, description, path, known)
    else:
        keras_formats.to_onnx(keras_model.assemble(model, head, known), description, path)
    path.write_bytes(half.halved(onnx.load(path)).SerializeToString(deterministic=True))


def page(model: Model, description: dict[str, Any], title: str, network_path: Path, split: Path) -> str:
    """Return the page, whose network lies in a file that `network` wrote; split: the folder data/split."""
    facts = {
        **description,
        "max_side": model.numbers["convert"]["max_side"],
        "shown": [
            {"number": place, **_thumbnail(model.photos.iloc[number], split)}
            for place, number in enumerate(shown(len(model.photos)))
        ],
    }
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("pixels.js", "classifier.js"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(NAME).render(
        title=title,
        sentence=description["expected"],
        labels=model.labels,
        version=VERSION,
        style=Markup(_STYLE.read_text(encoding="utf-8")),
        script=Markup(script),
        script_digest=template.script_digest(script),
        # Nothing in it may end the element that holds it.
        facts=Markup(json.dumps(facts).replace("<", "\\u003c")),
        runtime=_packed((_RUNTIME / "ort.wasm.bundle.min.mjs").read_bytes()),
        wasm=base64.b64encode((_RUNTIME / "ort-wasm-simd-threaded.wasm.gz").read_bytes()).decode(),
        network=_packed(network_path.read_bytes()),
    )


def _thumbnail(photo: pd.Series, split: Path) -> dict[str, str]:
    pixels = codec.decode_jpeg(codec.read_checked(split / photo["file"], photo["sha256"]))
    return {"label": photo["label"], "image": template.data_uri(codec.encode(codec.shrink(pixels, _SIDE), _QUALITY))}


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
