"""Which of several encoders is best on the same folds, which cannot be told from it, and how far luck alone leads."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from huskies.statistics import clustered, intervals, optimism, verdicts


def summarise(
    right: np.ndarray, entrants: Sequence[Mapping[str, Any]], images: pd.DataFrame, current: int
) -> dict[str, Any]:
    """Return the numbers of a contest, as encoders.json has them.

    right: bool, entrants × repeats × images, whether each was right. entrants: name and multiply_adds of each, and what
    else is to stand beside its numbers. images: columns label and group. current: which entrant the flow has now.
    Of each: its accuracy, its gain over the current one, and how far the best is ahead of it, with intervals that are
    paired by image (clustered.gain). The choice is the one that computes least among those that cannot be told from the
    best: what cannot be told apart should not cost more.
    """
    groups = pd.factorize(images["group"])[0]
    means = right.mean(axis=(1, 2))
    # Of equals, the one that is there, then the cheaper one.
    order = sorted(range(len(right)), key=lambda each: (-means[each], each != current, _cost(entrants[each])))
    best = order[0]
    rows = []
    for number in order:
        ahead = clustered.gain(right[number], right[best], groups)
        rows.append(
            {
                **entrants[number],
                **_named(clustered.accuracy(right[number], groups)),
                "gain": _named(clustered.gain(right[current], right[number], groups)),
                "best_ahead": _named(ahead),
                "current": number == current,
                "level_with_best": number == best or verdicts.verdict(*ahead[1:]) == verdicts.CANNOT_BE_TOLD,
            }
        )
    level = [row for row in rows if row["level_with_best"]]
    chosen = min(level, key=lambda row: (_cost(row), not row["current"], rows.index(row)))
    found = {"images": len(images), "entrants": rows, "chosen": chosen["name"], "luck": luck(right)}
    return {**found, "sentence": sentence(found)}


def _cost(entrant: Mapping[str, Any]) -> tuple[float, int]:
    return entrant["multiply_adds"], entrant["features"]


def _named(found: tuple[float, float, float]) -> dict[str, float]:
    return {key: round(each, 6) for key, each in zip(("accuracy", "low", "high"), found, strict=True)}


def luck(right: np.ndarray) -> dict[str, float]:
    """Return by how much the best leads the mean, and by how much it would by chance, in 19 of 20 worlds at most.

    right: as for `summarise`. Worlds are those of optimism.chance_leads.
    """
    counts = right.sum(axis=1)
    asked = right.shape[1] * right.shape[2]
    chance = optimism.chance_leads(counts) * right.shape[2] / asked
    lead = (counts.sum(axis=1).max() - counts.sum() / len(counts)) / asked
    most = np.quantile(chance, intervals.LEVEL, method="inverted_cdf")
    return {"lead": round(float(lead), 6), "by_chance": round(float(most), 6)}


def sentence(numbers: Mapping[str, Any]) -> str:
    """Return the verdict of a contest in words."""
    rows, chosen = numbers["entrants"], numbers["chosen"]
    best, level = rows[0], [row["name"] for row in rows if row["level_with_best"]]
    others = len(level) - 1
    start = f"{best['name']} has the highest accuracy of {len(rows)}, {best['accuracy']:.1%}"
    if not others:
        verdict = f"{start}, and no other comes up to it."
    elif chosen == best["name"]:
        those = (
            "the one that cannot be told from it costs"
            if others == 1
            else f"the {others} that cannot be told from it cost"
        )
        verdict = f"{start}; {those} no less."
    else:
        those = "another cannot be told from it" if others == 1 else f"{others} others cannot be told from it"
        verdict = f"{start}; {those}, of which {chosen} computes least."
    lead, chance = (verdicts.in_points(numbers["luck"][key]) for key in ("lead", "by_chance"))
    within = "no more than luck" if lead <= chance else "more than luck"
    return (
        f"{verdict} It leads the mean by {lead:.1f} points; by luck alone, the best of {len(rows)} leads by up to "
        f"{chance:.1f}: {within}."
    )


def table(numbers: Mapping[str, Any]) -> str:
    """Return the numbers of a contest as a few lines of text, after the warning where they are false."""
    rows = numbers["entrants"]
    width = max(len(row["name"]) for row in rows)
    lines = [verdicts.warning(numbers)] if numbers["leaks"] else []
    lines += [f"{'':{width}}{'accuracy':>10}{'95 % interval':>18}{'over the present one':>26}{'GMAC':>8}{'MB':>8}"]
    for row in rows:
        interval = f"{row['low']:.1%} to {row['high']:.1%}"
        mark = " *" if row["name"] == numbers["chosen"] else ""
        cost = f"{row['multiply_adds']:>8.2f}{row['megabytes']:>8.1f}"
        gain = "the present one" if row["current"] else _points(row["gain"])
        lines.append(f"{row['name']:{width}}{row['accuracy']:>10.1%}{interval:>18}{gain:>26}{cost}{mark}")
    lines.append(f"{numbers['images']} images, each held out in turn. {numbers['sentence']}")
    return "\n".join(lines) + "\n"


def _points(gain: Mapping[str, float]) -> str:
    mean, low, high = (verdicts.in_points(gain[key]) for key in ("accuracy", "low", "high"))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
