"""What a classifier says of photos, one after the other: prepared, sent through the backbone, and judged.

The code that prepares a photo is that of the flow: convert's picture as a JPEG, and the bottleneck stages' inference.
"""

import functools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np

from huskies.backbone import inference
from huskies.errors import UnreadableImage
from huskies.images import codec, kinds
from huskies.images.conversion import convert_image
from huskies.model import classifier, strangers
from huskies.model.folder import Model
from huskies.model.given_photos import Photo, contents
from huskies.parallel import map_ordered

# Photos from which on several processes prepare them: to start these takes as long as some dozens of photos.
_MANY = 64


@dataclass(frozen=True)
class Answer:
    """What is said of one photo.

    labels: the likeliest ones with their probabilities, the likeliest first. accepted: whether it is a photo of one of
    the classes at all, and not none of these. score: how far it is from all that was trained on, by the method of the
    classifier. nearest: the (raw file, label, distance) of the photos that were trained on and look most like it.
    sha256: of the picture as the flow has it. reason: why it could not be read; then all else is empty.
    """

    file: str
    labels: dict[str, float] = field(default_factory=dict)
    accepted: bool = False
    score: float = float("nan")
    nearest: list[tuple[str, str, float]] = field(default_factory=list)
    sha256: str = ""
    reason: str = ""


@dataclass(frozen=True)
class _Prepared:
    """A photo as the flow's JPEG, or why there is none."""

    name: str
    jpeg: bytes
    reason: str


def answer(
    model: Model,
    photos: Iterable[Photo],
    many: int,
    cores: int,
    top: int,
    explain: int,
    ready: inference.Ready | None = None,
) -> Iterator[Answer]:
    """Yield an answer to each photo, in their order; few photos are held at once.

    many: how many there are. top: how many labels, at most, an answer has. explain: how many of the photos that were
    trained on it has. ready: the backbone, where it is loaded already.
    """
    convert = model.numbers["convert"]
    prepare = functools.partial(_prepare, quality=convert["quality"], max_side=convert["max_side"])
    processes = cores if many >= _MANY else 1
    prepared = map_ordered(prepare, contents(photos), processes, __name__, size=_size, name=itemgetter(0))
    waiting: deque[_Prepared] = deque()
    for together, features in inference.stream(
        model.backbone, _readable(prepared, waiting), _pixels, lambda each: each.name, cores, ready=ready
    ):
        judged = iter(_judge(model, together, features, top, explain))
        for _ in together:
            yield from _broken(waiting)
            waiting.popleft()
            yield next(judged)
    yield from _broken(waiting)


def _prepare(named: tuple[str, bytes | str], quality: int, max_side: int) -> _Prepared:
    name, content = named
    if isinstance(content, str):
        return _Prepared(name, b"", content)
    if reason := kinds.why_not_read(name, content[: kinds.HEAD]):
        return _Prepared(name, b"", reason)
    try:
        return _Prepared(name, convert_image(content, quality, max_side), "")
    except UnreadableImage as error:
        return _Prepared(name, b"", str(error))


def _size(named: tuple[str, bytes | str]) -> int:
    return len(named[1])


def _readable(prepared: Iterable[_Prepared], waiting: deque[_Prepared]) -> Iterator[_Prepared]:
    """Yield the photos that can be read; all of them wait, in their order, for their answers."""
    for each in prepared:
        waiting.append(each)
        if not each.reason:
            yield each


def _broken(waiting: deque[_Prepared]) -> Iterator[Answer]:
    """Yield the answers to the photos that could not be read and whose turn it is."""
    while waiting and waiting[0].reason:
        each = waiting.popleft()
        yield Answer(each.name, reason=each.reason)


def _pixels(prepared: _Prepared) -> np.ndarray:
    return codec.decode_jpeg(prepared.jpeg)


def scored(model: Model, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (calibrated probabilities, N × classes, scores by the classifier's method, N) of bottlenecks, float64.

    features: float32, N × D.
    """
    score = strangers.METHODS[model.numbers["none_of_these"]["method"]]
    logits, temperature = model.classifier.logits(features), model.numbers["calibration"]["temperature"]
    return classifier.probabilities(logits, temperature), score((model.classifier, model.neighbours), features)


def _judge(model: Model, photos: list[_Prepared], features: np.ndarray, top: int, explain: int) -> Iterator[Answer]:
    """Yield the answers to photos by their bottlenecks, float32 N × D."""
    refusal = model.numbers["none_of_these"]
    threshold = refusal["methods"][refusal["method"]]["threshold"]
    nearest, distances = model.neighbours.nearest(features, explain) if explain else ([()] * len(photos),) * 2
    known = model.photos[["source", "label"]].to_numpy()
    for photo, sure, score, numbers, far in zip(photos, *scored(model, features), nearest, distances, strict=True):
        yield Answer(
            photo.name,
            {model.labels[each]: float(sure[each]) for each in np.argsort(-sure, kind="stable")[:top]},
            bool(score <= threshold),
            float(score),
            [(*known[number], float(distance)) for number, distance in zip(numbers, far, strict=True)],
            codec.sha256(photo.jpeg),
        )
