"""Trials: each transform alone, of aug.policy and of what users are tempted to add, and the copies that it makes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from huskies.augmentation import policy
from huskies.errors import HuskyError
from huskies.images import codec
from huskies.parallel import map_ordered
from huskies.progress import bar


def _steps(*transforms: str, **arguments: Any) -> list[dict[str, Any]]:
    return [{"transform": transform, **arguments} for transform in transforms]


# What users are tempted to add. Turns are made of flips, so that they are exact whatever the shape of an image.
# Border mode 1 repeats the edge.
BATTERY = {
    "horizontal flip": _steps("HorizontalFlip"),
    "vertical flip": _steps("VerticalFlip"),
    "turn by 90°": _steps("Transpose", "VerticalFlip"),
    "turn by 180°": _steps("HorizontalFlip", "VerticalFlip"),
    "turn by 270°": _steps("Transpose", "HorizontalFlip"),
    "turn up to 15°": _steps("Affine", rotate=[-15, 15], border_mode=1),
    "shift up to 10 %": _steps("Affine", translate_percent=[-0.1, 0.1], border_mode=1),
    "zoom up to 15 %": _steps("Affine", scale=[0.85, 1.15], border_mode=1),
    "brightness up to 20 %": _steps("RandomBrightnessContrast", brightness_limit=0.2, contrast_limit=0),
}


@dataclass(frozen=True)
class Trial:
    """A transform that is tried alone: its name, its steps as JSON in the form of aug.policy, whether that has it."""

    name: str
    steps: str
    in_policy: bool


def of_policy_and_battery(configured: list[dict[str, Any]]) -> list[Trial]:
    """Return each transform of aug.policy, then those of the battery that are not in it, all of them with p = 1."""
    bare = [[{argument: value for argument, value in entry.items() if argument != "p"}] for entry in configured]
    named = [(f"aug.policy.{index} {steps[0]['transform']}", steps, True) for index, steps in enumerate(bare)]
    named += [(name, steps, False) for name, steps in BATTERY.items() if steps not in bare]
    return [Trial(name, json.dumps([{**step, "p": 1.0} for step in steps]), own) for name, steps, own in named]


# Each worker builds a trial's transforms once.
_build = lru_cache(maxsize=1)(lambda steps: policy.build(json.loads(steps)))


def _copy(task: tuple[Path, str, int, str, int]) -> bytes | HuskyError:
    """Return a copy of an image as JPEG bytes, or why there is none: RandomCrop may need the step before it."""
    path, sha256, seed, steps, quality = task
    pixels = codec.decode_jpeg(codec.read_checked(path, sha256))
    try:
        return codec.encode(_build(steps)(pixels, seed), quality)
    except HuskyError as error:
        return error


def copies(
    tried: list[Trial], originals: Sequence[tuple[Path, str, int]], quality: int, cores: int
) -> Iterator[tuple[Trial, list[bytes] | str]]:
    """Yield (trial, a JPEG for each image), or (trial, why it makes none), in the order of the trials.

    originals: (path, sha256, seed) of each image. Raises HuskyError for an image that is not what its manifest lists.
    """
    tasks = [(*each, trial.steps, quality) for trial in tried for each in originals]
    results = map_ordered(_copy, tasks, cores, __name__, name=lambda task: str(task[0]))
    made = bar(results, len(tasks), "copies")
    for trial in tried:
        of_trial = list(islice(made, len(originals)))
        refusals = [str(each) for each in of_trial if isinstance(each, HuskyError)]
        yield trial, refusals[0] if refusals else of_trial
