"""Answers as text: a table to look at, or CSV or JSON lines for other programs."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from huskies.images import raw_files
from huskies.model.answers import Answer

NONE_OF_THESE, NOT_READ = "none of these", "not read"
# The least probability of a further label that a table shows.
_SHOWN = 0.005
FORMATS = ("table", "csv", "jsonl")


def printer(wanted: str, labels: list[str]) -> tuple[str, Callable[[Answer], str]]:
    """Return (what stands before all answers, the function from an answer to its lines) of a format."""
    if wanted == "jsonl":
        return "", _json_line
    if wanted == "csv":
        return _csv_line(["file", "label", "probability", "accepted", "labels", "reason", "nearest"]), _csv_row
    width = max(map(len, (*labels, NONE_OF_THESE)))
    return f"{'label':{width}}  probability  file\n", lambda answer: _table_row(answer, width)


def _json_line(answer: Answer) -> str:
    return f"{json.dumps(fields(answer), ensure_ascii=False)}\n"


def fields(answer: Answer) -> dict[str, Any]:
    """Return the keys of a JSON line: file, label, probability, accepted, labels, and reason or nearest, if any."""
    labels = {label: round(each, 6) for label, each in answer.labels.items()}
    label = next(iter(labels), None)
    found = {"file": answer.file, "label": label, "probability": labels.get(label), "accepted": answer.accepted}
    nearest = [{"file": file, "label": own, "distance": round(far, 6)} for file, own, far in answer.nearest]
    return {
        **found,
        "labels": labels,
        **({"reason": answer.reason} if answer.reason else {}),
        **({"nearest": nearest} if nearest else {}),
    }


def _csv_row(answer: Answer) -> str:
    found = fields(answer)
    labels = "; ".join(f"{label} {each:.6f}" for label, each in found["labels"].items())
    nearest = "; ".join(file for file, _, _ in answer.nearest)
    sure = "" if found["probability"] is None else f"{found['probability']:.6f}"
    accepted = "" if answer.reason else str(answer.accepted).lower()
    return _csv_line([answer.file, found["label"] or "", sure, accepted, labels, answer.reason, nearest])


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _table_row(answer: Answer, width: int) -> str:
    file = answer.file if raw_files.is_text(answer.file) else repr(answer.file)
    if answer.reason:
        return f"{NOT_READ:{width}}  {'':11}  {file}: {answer.reason}\n"
    (label, sure), *others = answer.labels.items()
    said = label if answer.accepted else NONE_OF_THESE
    likely = ([] if answer.accepted else [(label, sure)]) + [each for each in others if each[1] >= _SHOWN]
    rest = ", ".join(f"{other} {each:.1%}" for other, each in likely)
    shown = f"{sure:>11.1%}" if answer.accepted else f"{'':11}"
    return f"{said:{width}}  {shown}  {file}{f'  ({rest})' if rest else ''}\n" + "".join(_explained(answer, width))


def _explained(answer: Answer, width: int) -> Iterator[str]:
    for file, _, far in answer.nearest:
        yield f"{'':{width}}  {'':11}  like {file}, at {far:.4f}\n"
