"""The photo budget in numbers and in words: what more photos bring, what more copies, and which class needs them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from huskies.statistics import clustered, learning_curve, verdicts
from huskies.statistics.learning_curve import Curve, Interval

# Of the photos there are: what may be added to them. Further than twice as many nothing was tried.
MORE = (0.25, 0.5, 1.0)
# Photos of a class below which its recall is too uncertain to name it.
ENOUGH_TO_NAME = 20
# Photos of a class, in the mean, below which the interval may be too narrow: docs/budget.md has a set where it was.
ENOUGH_TO_TELL = 20

SPOKEN = {"baseline": "without copies", "augmented": "with copies"}


def summarise(
    curves: Mapping[str, Curve], shares: Sequence[float], labels: np.ndarray, copies: dict[str, Any] | None, leaks: int
) -> dict[str, Any]:
    """Return what budget.json has. curves, shares: as for `points`. labels: of the images, text.

    copies: what the second half of the copies brought, and how many there are, or None.
    """
    *_, best = curves.values()
    numbers = {
        "images": len(labels),
        "photos_a_class": round(best.now, 2),
        "points": points(curves, shares),
        "forecast": {head: forecast(curve) for head, curve in curves.items()},
        "copies": copies,
        "next_class": next_class(best.right[-1], labels, best.groups),
        "leaks": leaks,
    }
    numbers["sentence"] = verdicts.warned(numbers, sentence(numbers))
    return numbers


def points(curves: Mapping[str, Curve], shares: Sequence[float]) -> list[dict[str, Any]]:
    """Return for each point its share, its photos a class, each head's accuracy, and what copies are worth there.

    curves: by head, that without copies first; there may be no other.
    """
    accuracies = {head: curve.accuracies() for head, curve in curves.items()}
    first, *_, last = [*curves.values()] * 2
    found = []
    for number, share in enumerate(shares):
        point = {"share": share, "photos": round(float(first.photos[number]), 2)}
        point |= {head: named("accuracy", each[number]) for head, each in accuracies.items()}
        if len(curves) > 1:
            worth = clustered.gain(first.right[number], last.right[number], first.groups)
            point["copies"] = named("gain", worth)
        found.append(point)
    return found


def forecast(curve: Curve) -> dict[str, Any]:
    """Return what more photos bring, a row for each of MORE, and why it cannot be said, or "".

    now: the accuracy that the curve has for the photos that there are, more than any fold is trained on.
    """
    why_not = learning_curve.why_not(curve)
    more = [] if why_not else sorted({max(1, round(share * curve.now)) for share in MORE})
    rows = [{"photos": each, **named("gain", learning_curve.forecast(curve, each))} for each in more]
    [now] = 1 - learning_curve.errors(curve, [curve.now])[0]
    return {"why_not": why_not, "now": round(float(now), 6), "more": rows}


def next_class(right: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """Return which class to photograph next, as label, recall, low, high, or why that cannot be said, as why_not.

    right: bool, repeats × images, of the head for use. labels: of the images, text. groups: int. It is the class with
    the lowest recall, where its whole interval is below the accuracy of all. docs/budget.md counts what photos of that
    class bring, beside those of the class that has gained most so far.
    """
    classes, counts = np.unique(labels, return_counts=True)
    enough = classes[counts >= ENOUGH_TO_NAME]
    if not len(enough):
        return {
            "why_not": f"it takes {ENOUGH_TO_NAME} photos of a class to name it, and the largest has {counts.max()}"
        }
    recalls = {label: clustered.accuracy(right[:, labels == label], groups[labels == label]) for label in enough}
    label, recall = min(recalls.items(), key=lambda each: (each[1][0], each[0]))
    if recall[2] >= right.mean():
        return {"why_not": "no class is below the accuracy of all with its whole interval"}
    return {"label": str(label), **named("recall", recall), "why_not": ""}


def of_more_copies(half: np.ndarray, whole: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """Return what the second half of the copies brought; half, whole: bool, repeats × images, with so many copies."""
    return named("gain", clustered.gain(half, whole, groups))


def named(name: str, found: Interval) -> dict[str, float]:
    """Return a value and its interval under the names that a JSON has for them, rounded as all are."""
    return {key: round(each, 6) for key, each in zip((name, "low", "high"), found, strict=True)}


def sentence(numbers: Mapping[str, Any]) -> str:
    """Return what budget.json says, in words: on photos, on copies, on the class."""
    said = [_of_photos(numbers)]
    if numbers["copies"]:
        said.append(_of_copies(numbers["copies"]))
    chosen = numbers["next_class"]
    if chosen["why_not"]:
        said.append(f"Which class to photograph next cannot be said: {chosen['why_not']}.")
    else:
        low, high = (f"{100 * chosen[end]:.0f}" for end in ("low", "high"))
        said.append(
            f"Photograph '{chosen['label']}' next: {chosen['recall']:.0%} of its photos ({low} to {high}) are "
            "recognised, the fewest of all classes."
        )
    return " ".join(said)


def _of_photos(numbers: Mapping[str, Any]) -> str:
    told = {head: each for head, each in numbers["forecast"].items() if not each["why_not"]}
    untold = {head: each["why_not"] for head, each in numbers["forecast"].items() if each["why_not"]}
    lines = []
    if told:
        last = {SPOKEN[head]: each["more"][-1] for head, each in told.items()}
        photos = next(iter(last.values()))["photos"]
        bring = ", ".join(f"{_range(each)} {spoken}" for spoken, each in last.items())
        perhaps = ", so perhaps nothing" if all(verdicts.in_points(each["low"]) <= 0 for each in last.values()) else ""
        rough = ", by rough estimate" if numbers["photos_a_class"] < ENOUGH_TO_TELL else ""
        lines.append(f"{photos} more photos a class, as many again{rough}: {bring}{perhaps}.")
    reasons = dict.fromkeys(untold.values())
    for reason in reasons:
        of = [SPOKEN[head] for head, each in untold.items() if each == reason]
        where = "" if len(of) == len(numbers["forecast"]) else f" {of[0]}"
        lines.append(f"What more photos would bring{where} cannot be said: {reason}.")
    return " ".join(lines)


def _of_copies(found: Mapping[str, Any]) -> str:
    sure = verdicts.verdict(found["low"], found["high"])
    more = {
        verdicts.HELPED: "More copies may help",
        verdicts.HURT: "More copies would hardly help",
        verdicts.CANNOT_BE_TOLD: "More copies: nothing that can be told",
    }[sure]
    gain = verdicts.in_points(found["gain"])
    low, high = (verdicts.in_points(found[end]) for end in ("low", "high"))
    copies = f"from {found['half']} to {found['all']} a photo"
    return f"{more}; {copies} brought {gain:+.1f} points ({low:+.1f} to {high:+.1f})."


def _range(found: Mapping[str, Any]) -> str:
    low, high = (verdicts.in_points(found[end]) for end in ("low", "high"))
    return f"{low:+.1f} to {high:+.1f} points"


def table(numbers: Mapping[str, Any]) -> str:
    """Return budget.json as lines of text: the curve, what it foretells, and the sentence."""
    heads = list(numbers["forecast"])
    lines = [verdicts.warning(numbers)] if numbers["leaks"] else []
    columns = [*(SPOKEN[head] for head in heads), *(["copies are worth"] if len(heads) > 1 else [])]
    lines.append("photos a class".ljust(16) + "".join(f"{each:>26}" for each in columns))
    for point in numbers["points"]:
        cells = [f"{point[head]['accuracy']:.1%} ({_per_cent(point[head])})" for head in heads]
        if "copies" in point:
            worth = point["copies"]
            cells.append(f"{verdicts.in_points(worth['gain']):+.1f} ({_range(worth).removesuffix(' points')})")
        lines.append(f"{point['photos']:<16.1f}" + "".join(f"{each:>26}" for each in cells))
    rows = {row["photos"] for head in heads for row in numbers["forecast"][head]["more"]}
    for photos in sorted(rows):
        cells = []
        for head in heads:
            [*of_head] = [row for row in numbers["forecast"][head]["more"] if row["photos"] == photos]
            cells.append(_range(of_head[0]) if of_head else "cannot be said")
        lines.append(f"{f'{photos} more':16}" + "".join(f"{each:>26}" for each in cells))
    return "\n".join([*lines, numbers["sentence"]]) + "\n"


def _per_cent(found: Mapping[str, float]) -> str:
    return f"{100 * found['low']:.1f} to {100 * found['high']:.1f}"
