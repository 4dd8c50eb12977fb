"""Whether an exported file says what the classifier says: asked about the same photos, each by its own runtime."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from huskies.backbone import inference
from huskies.exports import ask
from huskies.model import answers
from huskies.model.folder import Model


@dataclass(frozen=True)
class Agreement:
    """How a file answers beside the classifier.

    label, accepted: shares of the photos with the same likeliest label, and with the same answer to whether it is none
    of these. difference: the largest of any probability. speed: photos a second, one by one, on one thread.
    """

    label: float
    accepted: float
    difference: float
    speed: float


def expected(model: Model, files: list[tuple[Path, str]], cores: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what `predict` says of photos: probabilities, float64 N × classes, and distances, float64 N.

    files: (path of a JPEG, its sha256).
    """
    features = np.concatenate([rows for _, rows in inference.compute(model.backbone, files, cores)])
    return answers.scored(model, features)


def asked(kind: str, path: Path, pixels: np.ndarray) -> dict[str, Any]:
    """Return what a file of a format says of pixels, float32 N × side × side × 3: the arrays that ask.py writes.

    It is asked in a process of its own, which sees nothing of this project.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, answers = Path(folder, "pixels.npy"), Path(folder, "answers.npz")
        np.save(given, pixels)
        command = [sys.executable, "-I", ask.__file__, kind, str(path.resolve()), str(given), str(answers)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{path.name} cannot be asked:\n{done.stderr}")
        with np.load(answers, allow_pickle=False) as found:
            return dict(found)


def compare(said: dict[str, Any], of_classifier: tuple[np.ndarray, np.ndarray], threshold: float) -> Agreement:
    """Return how what `asked` returned goes with what `expected` did, at a threshold of the distance."""
    sure, distance = of_classifier
    return Agreement(
        label=float((said["probabilities"].argmax(axis=1) == sure.argmax(axis=1)).mean()),
        accepted=float(((said["distance"] <= threshold) == (distance <= threshold)).mean()),
        difference=float(np.abs(said["probabilities"] - sure).max()),
        speed=max(len(distance) - 1, 1) / max(float(said["seconds"]), 1e-9),
    )
