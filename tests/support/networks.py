"""Networks in files that are small enough to be computed on paper, and what they come to."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from huskies.backbone import inference, openvino_engine, presets, square
from huskies.images import codec
from project import shipped

# As tests/networks/make.py has them.
WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 8 - 0.5


def backbone(weights: str, prepared: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    """Return the section `backbone` for a network in a file, resolved as params.load does."""
    section = {
        "name": None,
        "arguments": {},
        "weights": weights,
        "layer": None,
        "input_size": 32,
        "engine": "auto",
        "precision": "float32",
        "preprocessing": {"scale": 1.0} | (prepared or {}),
        **given,
    }
    return presets.settle(section)


def put(name: str, workspace: Path = Path()) -> None:
    """Copy one of tests/networks, a file or a folder, into backbones/ of a workspace."""
    source, target = shipped() / "tests/networks" / name, workspace / "backbones" / name
    target.parent.mkdir(exist_ok=True)
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def put_all() -> None:
    """Copy all of tests/networks into backbones/, which has no presets then."""
    shutil.copytree(shipped() / "tests/networks", "backbones", ignore=shutil.ignore_patterns("*.py"))
    Path("backbones/presets.yaml").write_text("{}\n")


def computed(section: dict[str, Any], pixels: list[np.ndarray], folder: Path, cores: int = 1) -> np.ndarray:
    """Return the features, float32, N × D, of images, uint8, H × W × 3, as a bottleneck stage computes them."""
    files = []
    for number, each in enumerate(pixels):
        path = folder / f"{number}.jpg"
        path.write_bytes(codec.encode(each, 95))
        files.append((path, codec.sha256(path.read_bytes())))
    return np.concatenate([rows for _, rows in inference.compute(section, files, cores)])


def seen(pixels: list[np.ndarray], section: dict[str, Any], side: int = 32) -> np.ndarray:
    """Return what the network is given of images: uint8, N × side × side × 3, after a JPEG of them."""
    fitted = square.fit(section)
    return np.stack([fitted(codec.decode_jpeg(codec.encode(each, 95)), side) for each in pixels])


def pictures(number: int = 5, side: int = 48) -> list[np.ndarray]:
    """Return as many smooth images, uint8, side × side × 3."""
    return list(openvino_engine.pictures(side)[:number])
