"""luck: how far the best of the settings tried so far would lead by chance alone on this validation set.

Whoever tries many settings and keeps the best reports a maximum, which lies above the mean also where all settings
are equally good. DVC knows what was tried: HEAD and every experiment, of which those with this split are compared.
"""

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from huskies import outputs
from huskies.errors import HuskyError, some
from huskies.planning import params
from huskies.statistics import intervals, optimism, verdicts

_METRICS = f"data/metrics/{outputs.METRICS}"
_PREDICTIONS = f"data/metrics/{outputs.PREDICTIONS}"


@dataclass(frozen=True)
class Setting:
    """What was tried: its name, the split that its metrics.json names, its parameters and its predictions.

    params: params.yaml. predicted: file, actual and predicted, one row for each validation image.
    """

    name: str
    split: str
    params: dict[str, Any]
    predicted: pd.DataFrame

    @property
    def right(self) -> np.ndarray:
        """Whether each validation image is right, bool."""
        return (self.predicted["actual"] == self.predicted["predicted"]).to_numpy()


def revisions() -> list[tuple[str, str]]:
    """Return (name, git revision) of HEAD and of every experiment that DVC knows, sorted by name."""
    from dvc.repo import Repo

    with Repo() as repo:
        found = repo.experiments.ls(all_commits=True)
    return [("HEAD", "HEAD"), *sorted(experiment for each in found.values() for experiment in each)]


def fetch(name: str, revision: str) -> Setting | None:
    """Return the setting of a revision from DVC's cache, or from the remote; None where its numbers are in neither."""
    from dvc.api import DVCFileSystem

    files = DVCFileSystem(rev=revision)
    try:
        provenance = json.loads(files.read_text(_METRICS)).get("provenance", {})
        with files.open(_PREDICTIONS) as content:
            predicted = pd.read_csv(content, dtype=str, keep_default_na=False, na_filter=False)
        chosen = YAML(typ="safe").load(files.read_text(str(params.FILE)))
    # Caches and remotes fail in the ways of their libraries, and what cannot be had is named as left out.
    except Exception:
        return None
    return Setting(name, provenance.get("split", ""), chosen, predicted)


def distinct(settings: list[Setting]) -> list[Setting]:
    """Return the settings with those of the same predictions joined into one, which is named after all of them."""
    alike: dict[str, list[Setting]] = {}
    for each in settings:
        alike.setdefault(each.predicted.to_csv(), []).append(each)
    return [replace(group[0], name=", ".join(each.name for each in group)) for group in alike.values()]


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested parameters by dotted name, as `dvc exp run -S` spells it: aug.policy.0.rotate."""
    if not isinstance(value, dict | list) or not value:
        return {name: value}
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return {key: each for part, one in inner for key, each in flat(one, f"{name}.{part}".strip(".")).items()}


def differences(settings: list[Setting]) -> list[str]:
    """Return for each setting, as `name=value, …`, those of its parameters that it does not share with most others."""
    spelled = [{name: json.dumps(value, default=str) for name, value in flat(each.params).items()} for each in settings]
    shared = Counter(pair for each in spelled for pair in each.items())
    return [
        ", ".join(f"{name}={value}" for name, value in each.items() if 2 * shared[name, value] <= len(settings))
        or "as most"
        for each in spelled
    ]


def report(settings: list[Setting]) -> str:
    """Return the settings from the best to the worst, the lead of the best, and advice, for two or more settings."""
    right = np.stack([each.right for each in settings])
    counts, images = right.sum(axis=1), right.shape[1]
    mean, best = counts.mean() / images, counts.max() / images
    lead = (counts.max() - right.sum() / len(settings)) / images
    chance = optimism.chance_leads(right)
    # A lead that was drawn, so that the comparison below is one of equals.
    limit = np.quantile(chance, intervals.LEVEL, method="inverted_cdf")
    order = sorted(range(len(settings)), key=lambda each: (-counts[each], settings[each].name))
    width = max(len(each.name) for each in settings)
    differing = differences(settings)
    lines = [f"{len(settings)} settings on {images} validation images, with augmentation"]
    lines += [f"{counts[each] / images:>7.1%}  {settings[each].name:{width}}  {differing[each]}" for each in order]
    lines.append(f"best {best:.1%}, mean {mean:.1%}: the best leads by {verdicts.in_points(lead):.1f} points")
    expected, most = verdicts.in_points(chance.mean()), verdicts.in_points(limit)
    lines.append(f"chance alone would let it lead by {expected:.1f} points, and in 95 % of cases by at most {most:.1f}")
    if lead <= limit:
        lines.append(
            "This lead is within luck: take other validation images (split.repeat), or look at the test set once."
        )
    else:
        lines.append("This lead is more than luck.")
    return "\n".join(lines)


def run(plans: dict[str, dict[str, Any]]) -> str:
    """Compare the settings with the split of `plans`; return the report. Raises HuskyError outside DVC."""
    if not Path(".dvc").is_dir():
        raise HuskyError("luck asks DVC what was tried, and this folder is no DVC repository. Run it in a git clone.")
    known = [(name, fetch(name, revision)) for name, revision in revisions()]
    # A HEAD without numbers is one for which nobody has recorded any.
    missing = [name for name, each in known if each is None and name != "HEAD"]
    found = [each for _, each in known if each is not None]
    split = plans["metrics"]["provenance"]["split"]
    tried = [each for each in found if each.split == split]
    settings = distinct(tried)
    others = len(found) - len(tried)
    lines = []
    if len(settings) < 2:
        known_here = "fewer than two settings with this split"
        if len(tried) > 1:
            known_here = f"{len(tried)} settings with this split, which predict the same of every validation image"
        lines.append(f"DVC knows {known_here}, so there is nothing to compare. Try another:")
        lines.append("dvc exp run -S aug.factor=10")
    else:
        lines.append(report(settings))
    if others:
        lines.append(f"of another split, and not compared: {others}")
    if missing:
        lines.append(
            f"left out, for DVC has not their numbers here: {some(missing)}. Get them: dvc exp pull, dvc fetch"
        )
    return "\n".join(lines)
