"""Noise on bottlenecks in each step of training, as FroFA has it (arXiv:2403.10519): is it worth a parameter?

Run in the project's folder: `HUSKIES_SHARED=../shared .venv/bin/python benchmarks/feature_noise.py`. It takes some
minutes on two cores, and prints the table that docs/sweep.md sums up. The heads are those of this project, trained on
the originals alone; each photo is asked once, in five folds. `KERAS_HOME` has the weights of MobileNetV2.
"""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import feature_pools
import numpy as np
from huskies.planning import params
from huskies.statistics import clustered
from huskies.training import fit, head
from sklearn.model_selection import StratifiedKFold

SETS = ("flowers", "hands", "products")
FOLDS, SEED = 5, 1
# A shift for the whole image, or one for each feature, uniform up to this share of the range of the values.
SETTINGS = [("", 0.0), *((kind, share) for kind in ("image", "feature") for share in (0.05, 0.1, 0.2))]
CHOSEN: dict[str, Any] = {"scaling": "discriminants", "shrinkage": 0.3, "l2": 0.01, "keep": "last"}


class Noisy(head.Head):
    """The project's head, whose training rows are others in each step."""

    def __init__(self, kind: str, share: float, features: np.ndarray, *given: Any):
        """Take the kind and the size of the noise, and what the head takes."""
        super().__init__(features, *given)
        tensorflow = self._tensorflow
        self._rows = tensorflow.constant(features)
        each = features.max(axis=0) - features.min(axis=0)
        self._reach = tensorflow.constant(share * (each if kind == "feature" else np.full_like(each, np.ptp(features))))
        self._shift = features.shape[1] if kind == "feature" else 1
        self._random = tensorflow.random.Generator.from_seed(SEED)

    def _gather(self, batch):
        rows = self._tensorflow.gather(self._rows, batch)
        shift = self._random.uniform((self._tensorflow.shape(batch)[0], self._shift), -1.0, 1.0)
        return self._scale(rows + shift * self._reach, training=False)


def right(pool: feature_pools.Pool, kind: str, share: float) -> np.ndarray:
    """Return of each photo whether the head that was trained on the other folds is right."""
    section = {**params.load()["train"], **CHOSEN}
    _, labels = np.unique(pool.labels, return_inverse=True)
    found = np.zeros(len(labels), bool)

    def ask(rows: tuple[np.ndarray, np.ndarray]) -> None:
        trained, asked = rows
        batches = fit.draw_batches(
            labels[trained], section["steps"], section["batch_size"], section["class_balanced"], section["seed"]
        )
        given = (pool.originals[trained], labels[trained], int(labels.max()) + 1, section)
        model = Noisy(kind, share, *given) if kind else head.Head(*given)
        model.advance(batches)
        found[asked] = model.predict(pool.originals[asked]).argmax(axis=1) == labels[asked]

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(pool.originals, labels)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        list(workers.map(ask, folds))
    return found


def main() -> None:
    """Print a row for each set and noise: accuracy, and the gain over no noise."""
    with tempfile.TemporaryDirectory() as folder:
        print("| photos | noise | share | accuracy | gain, points |\n|---|---|---|---|---|")
        for name in SETS:
            pool = feature_pools.pool(name, Path(folder))
            without = None
            for kind, share in SETTINGS:
                found = right(pool, kind, share)
                without = found if without is None else without
                gain, low, high = clustered.gain(without[None], found[None], np.arange(len(found)))
                said = f"{gain * 100:+.1f} ({low * 100:+.1f} to {high * 100:+.1f})" if kind else "–"
                print(f"| {name} | {kind or 'none'} | {share} | {found.mean():.3f} | {said} |", flush=True)


if __name__ == "__main__":
    main()
