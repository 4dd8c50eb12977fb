"""classifier.html: the classifier in one page that fetches nothing: it works from an e-mail, offline, on a phone.

ONNX Runtime Web computes it, from the network with its weights in half precision. Both lie in the page, compressed.
"""

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from huskies.exports import half, head_weights, keras_formats, keras_model
from huskies.images import codec
from huskies.model.folder import Model

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
    whole = keras_model.assemble(model, head_weights.of(model, directions), known)
    keras_formats.to_onnx(whole, description, path)
    path.write_bytes(half.halved(onnx.load(path)).SerializeToString(deterministic=True))


def page(model: Model, description: dict[str, Any], title: str, network_path: Path, split: Path) -> str:
    """Return the page, whose network lies in a file that `network` wrote; split: the folder data/split."""
    facts = {
        **description,
        "max_side": model.numbers["convert"]["max_side"],
        "shown": [_thumbnail(model, number, split) for number in shown(len(model.photos))],
    }
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("pixels.js", "classifier.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
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
        script_digest=f"sha256-{digest}",
        # Nothing in it may end the element that holds it.
        facts=Markup(json.dumps(facts).replace("<", "\\u003c")),
        runtime=_packed((_RUNTIME / "ort.wasm.bundle.min.mjs").read_bytes()),
        wasm=base64.b64encode((_RUNTIME / "ort-wasm-simd-threaded.wasm.gz").read_bytes()).decode(),
        network=_packed(network_path.read_bytes()),
    )


def _thumbnail(model: Model, number: int, split: Path) -> dict[str, Any]:
    photo = model.photos.iloc[number]
    pixels = codec.decode_jpeg(codec.read_checked(split / photo["file"], photo["sha256"]))
    small = base64.b64encode(codec.encode(codec.shrink(pixels, _SIDE), _QUALITY)).decode()
    return {"number": int(np.searchsorted(shown(len(model.photos)), number)), "label": photo["label"]} | {
        "image": f"data:image/jpeg;base64,{small}"
    }


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
