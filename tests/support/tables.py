"""Made-up tables of the report's figures, and what stands in an SVG."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
from huskies.steps import metrics

SVG = "{http://www.w3.org/2000/svg}"
HEADS = ("baseline", "augmented")


def predicted(labels: list[str], images: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    actual, other = random.choice(labels, (2, images))
    return pd.DataFrame({"label": actual, "predicted": np.where(random.random(images) < 0.8, actual, other)}, dtype=str)


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table as `manifest.read` gives it."""
    return frame.astype(object).where(frame.notna(), "").astype(str)


def counts(labels: list[str], heads: tuple[str, ...] = HEADS) -> pd.DataFrame:
    return as_text(pd.concat([metrics.confusion(head, predicted(labels)) for head in heads]))


def rows(labels: list[str]) -> pd.DataFrame:
    return as_text(pd.concat([metrics.per_class(head, predicted(labels)) for head in HEADS]))


def points(labels: list[str], images: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, images))
    files = [f"{number}.jpg" for number in range(images)]
    label = np.resize(labels, images)
    return pd.DataFrame({"file": files, "label": label, "split": ["train", "val"] * (images // 2), "x": x, "y": y})


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
