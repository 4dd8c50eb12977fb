"""What each setting was worth, on the same images, and which of them cannot be told apart."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import outputs, receipt
from huskies.errors import HuskyError
from huskies.images import manifest, naming
from huskies.planning.experiment import name_of
from huskies.statistics import clustered, contest, verdicts


def read(names: Sequence[str], inputs: Mapping[str, Path]) -> tuple[list[dict[str, Any]], np.ndarray, np.ndarray]:
    """Return (the numbers of each setting, whether each head with copies was right, the group of each image).

    inputs: the folders of metrics and cross_validation, by name/stage. The second is bool, settings × repeats × images,
    out of fold, and the third int. Raises HuskyError where held-out images leaked, and where settings were not asked
    about the same images, which would make the comparison worthless.
    """
    numbers, right, asked = [], [], None
    for name in names:
        metrics, of_folds = (inputs[f"{name}/{stage}"] for stage in ("metrics", "cross_validation"))
        numbers.append({"name": name, **_numbers(metrics, of_folds)})
        answers = _answers(of_folds)
        if asked is None:
            asked = answers
        elif answers.index.tolist() != asked.index.tolist():
            raise HuskyError(
                f"{of_folds}: '{name}' was asked about other images than '{names[0]}', so that the two cannot be "
                "compared. Delete data/experiment_stages, and run the same command again."
            )
        repeats = answers.index.get_level_values("repeat").nunique()
        right.append(answers["right"].to_numpy(bool).reshape(repeats, -1))
    groups = pd.factorize(asked["group"])[0][: right[0].shape[1]]
    return numbers, np.stack(right), groups


def _numbers(metrics: Path, of_folds: Path) -> dict[str, Any]:
    """Return the numbers of a setting: out of fold, and on its validation images; and its experiment's name."""
    on_split = json.loads((metrics / outputs.METRICS).read_text())
    in_turn = json.loads((of_folds / outputs.CROSS_VALIDATION).read_text())
    if leaks := on_split["leaks"] or in_turn["leaks"]:
        raise HuskyError(
            f"{metrics}: held-out images leaked into the training ({leaks} of them), so that the comparison would be "
            "false. Set group.near_duplicates to true and leaks.action to fail in params.yaml."
        )
    found: dict[str, Any] = {"experiment": experiment(metrics)}
    for part, ends in (*((head, ("low", "high")) for head in outputs.HEADS), ("gain", ("low", "high"))):
        found[part] = in_turn[part]["accuracy"]
        found |= {f"{part}_{end}": in_turn[part][end] for end in ends}
    for head in outputs.HEADS:
        found[f"val_{head}"] = on_split[head]["val_accuracy"]
        found |= {f"val_{head}_{end}": on_split[head][f"val_accuracy_{end}"] for end in ("low", "high")}
    found["val_gain"] = on_split["gain"]["val_accuracy"]
    found |= {f"val_gain_{end}": on_split["gain"][end] for end in ("low", "high")}
    return found


def experiment(metrics: Path) -> str:
    """Return the name of the experiment that DVC keeps of a run with these numbers."""
    content = receipt.read(metrics)
    if content is None:
        raise HuskyError(f"{metrics} has no sound receipt. Delete the folder and run the same command again.")
    return name_of(receipt.plan_hash(content["plan"]))


def _answers(of_folds: Path) -> pd.DataFrame:
    """Return group and right, bool, of the head with copies, by repeat, class and image, sorted.

    An image is known by its name without its split, which may be another in another setting.
    """
    predicted = manifest.read(of_folds / outputs.PREDICTIONS)
    stems = [naming.parse_original(file)[2] for file in predicted["file"]]
    keys = {"repeat": predicted["repeat"].astype(int), "label": predicted["label"], "stem": stems}
    right = predicted["label"] == predicted["augmented"]
    frame = pd.DataFrame({**keys, "group": predicted["group"], "right": right})
    return frame.set_index(list(keys)).sort_index(kind="stable")


def compare(numbers: Sequence[Mapping[str, Any]], right: np.ndarray, groups: np.ndarray) -> list[dict[str, Any]]:
    """Return the numbers of each setting with how far the best is ahead of it, from the best to the worst.

    numbers, right, groups: as `read` returns them. behind, behind_low, behind_high: the interval is paired by image.
    level: whether the setting cannot be told from the best.
    """
    means = right.mean(axis=(1, 2))
    # Of equals, the one that stands first in the table.
    order = sorted(range(len(right)), key=lambda each: -means[each])
    rows = []
    for number in order:
        ahead = clustered.gain(right[number], right[order[0]], groups)
        level = number == order[0] or verdicts.verdict(*ahead[1:]) == verdicts.CANNOT_BE_TOLD
        behind = dict(zip(("behind", "behind_low", "behind_high"), (round(each, 6) for each in ahead), strict=True))
        rows.append({**numbers[number], **behind, "level": level})
    return rows


def sentences(rows: Sequence[Mapping[str, Any]], right: np.ndarray) -> list[str]:
    """Return which setting is best, which cannot be told from it, and what luck alone would do; of one, that it is one.

    rows: as `compare` returns them. right: as `read` returns it.
    """
    best, *others = rows
    if not others:
        return ["One setting is compared with none. Add a row to experiments.csv."]
    level = [row["name"] for row in others if row["level"]]
    said = f"With copies, '{best['name']}' has the highest accuracy of {len(rows)} settings, {best['augmented']:.1%}"
    if len(level) == len(others):
        which = "the other cannot" if len(others) == 1 else "none of the others can"
        told = f"{said}; {which} be told from it."
    elif level:
        told = f"{said}. It cannot be told from {_listed(level)}; all others are worse."
    else:
        told = f"{said}, and {'the other is' if len(others) == 1 else 'all others are'} worse."
    luck = contest.luck(right)
    lead, chance = (verdicts.in_points(luck[key]) for key in ("lead", "by_chance"))
    lucky = (
        f"It leads the mean by {lead:.1f} points; by luck alone, the best of {len(rows)} leads by up to {chance:.1f}: "
    )
    if lead <= chance:
        return [told, f"{lucky}no more than luck. Choose among them by what they cost, or get more photos."]
    return [told, f"{lucky}more than luck."]


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
