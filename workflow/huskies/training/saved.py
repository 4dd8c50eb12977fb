"""What a training leaves: the head, its labels, its history and its predictions, and how they are read again."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.backbone.features import Rows
from huskies.training import head


def predictions(index: pd.DataFrame, probabilities: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """Return columns file, label, sha256, predicted, and p_<label> for every class, one row for each image."""
    frame = index[["file", "label", "sha256"]].reset_index(drop=True)
    frame["predicted"] = [labels[each] for each in probabilities.argmax(axis=1)]
    columns = pd.DataFrame(np.round(probabilities.astype(float), 6), columns=[f"p_{label}" for label in labels])
    return pd.concat([frame, columns], axis=1)


def predict(folder: Path, index: pd.DataFrame, features: np.ndarray) -> pd.DataFrame:
    """Return the `predictions` of the head that a training has left in `folder`, for the images of `index`."""
    labels = (folder / outputs.LABELS).read_text(encoding="utf-8").splitlines()
    return predictions(index, head.predict_with(folder / head.NAME, features), labels)


def save(
    output: Path,
    index: pd.DataFrame,
    labels: list[str],
    validation: Rows,
    fitted: tuple["head.Head", pd.DataFrame, int, tuple[np.ndarray, np.ndarray]],
) -> dict[str, Any]:
    """Fill `output` with head, labels, history, training rows and validation predictions; return the scores.

    validation: the features of the validation rows of `index`. fitted: what `fit` returns. For every point of the
    history, two arrays keep what each validation image had: points × images. The scores are those of the kept step, and
    the numbers of images.
    """
    model, history, step, (right, cross_entropy) = fitted
    is_train = index["split"] == "train"
    model.save(output / head.NAME)
    (output / outputs.LABELS).write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    history.round(6).to_csv(output / outputs.HISTORY, index=False, lineterminator="\n")
    index[is_train].to_csv(output / outputs.ROWS, index=False, lineterminator="\n")
    validated = predictions(index[~is_train], model.predict(validation), labels)
    validated.to_csv(output / outputs.VALIDATION, index=False, lineterminator="\n")
    np.save(output / outputs.RIGHT, right)
    np.save(output / outputs.CROSS_ENTROPY, cross_entropy)
    kept = history.set_index("step").loc[step].round(6).to_dict()
    return {"step": step, "images": int(is_train.sum()), "val_images": len(validation), **kept}
