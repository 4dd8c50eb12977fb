"""Every exported file beside the classifier: the same photos, whether they get the same answers, bytes and speed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies.backbone import square
from huskies.exports import classifier_page, file_formats, format_agreement
from huskies.images import codec
from huskies.model.folder import Model

# Photos that every format is asked about.
_ASKED = 100
# What a page holds is asked as what it is.
_KINDS = {file: kind for kind, file in file_formats.FILES.items()} | {classifier_page.NAME: "onnx"}


def spread(photos: pd.DataFrame, split: Path) -> list[tuple[Path, str]]:
    """Return (path, sha256) of up to 100 photos that were trained on, evenly spread over all.

    photos: those of the classifier. split: the folder data/split.
    """
    chosen = photos.iloc[np.unique(np.linspace(0, len(photos) - 1, min(_ASKED, len(photos))).astype(int))]
    return [(split / each.file, each.sha256) for each in chosen.itertuples()]


def pixels_of(files: list[tuple[Path, str]], backbone: dict[str, Any], side: int) -> np.ndarray:
    """Return what an exported file is given of photos: float32, N × side × side × 3, 0 to 255."""
    fitted = square.fit(backbone)
    return np.stack([fitted(codec.decode_jpeg(codec.read_checked(*each)), side) for each in files]).astype(np.float32)


def size(path: Path) -> int:
    """Return the bytes of a format: of a file, of a folder, or of an .xml and the .bin that belongs to it."""
    parts = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    parts += [path.with_suffix(".bin")] if path.suffix == ".xml" else []
    return sum(each.stat().st_size for each in parts)


def rows(
    model: Model, description: dict[str, Any], folder: Path, split: Path, network: Path, cores: int
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return a row on each exported file that a folder has, and by file how many photos a second it answers.

    split: the folder data/split. network: the file with the network of the page.
    """
    files = spread(model.photos, split)
    pixels = pixels_of(files, model.backbone, description["pixels"]["shape"][1])
    expected = format_agreement.expected(model, files, cores)
    found, speeds = [], {}
    for file, kind in _KINDS.items():
        if not (folder / file).exists():
            continue
        said = format_agreement.asked(kind, network if file == classifier_page.NAME else folder / file, pixels)
        same = format_agreement.compare(said, expected, description["threshold"])
        speeds[file] = same.speed
        found.append(
            {
                "file": file,
                "megabytes": round(size(folder / file) / 1e6, 2),
                "photos": len(files),
                "same_label": round(same.label, 4),
                "same_none_of_these": round(same.accepted, 4),
                "largest_difference": round(same.difference, 4),
            }
        )
    return pd.DataFrame(found), speeds


def table(compared: pd.DataFrame, left_out: dict[str, str], speeds: dict[str, float] | None = None) -> str:
    """Return the formats as text, with photos a second where they are given."""
    asked = compared["photos"].iloc[0]
    head = f"{'':20}{'MB':>8}{'same label':>13}{'same none of these':>21}{'largest difference':>21}"
    lines = [head + (f"{'photos a second':>18}" if speeds else "")]
    for row in compared.itertuples():
        line = f"{row.file:20}{row.megabytes:>8.1f}{row.same_label:>13.1%}{row.same_none_of_these:>21.1%}"
        line += f"{row.largest_difference:>21.4f}"
        lines.append(line + (f"{speeds[row.file]:>18.0f}" if speeds else ""))
    lines.append(f"asked about {asked} photos, beside the classifier itself; the difference is one of probabilities")
    lines += [f"left out: {file}, for {reason}" for file, reason in left_out.items()]
    return "\n".join(lines)
