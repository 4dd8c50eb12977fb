"""inbox: new photos before they join the set: a proposed label for each, the oddest first, and whether they are alike.

What it writes is a table of file and label, to look through and to correct, that `raw` reads.
"""

import argparse
import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from huskies import atomic, progress
from huskies.backbone import inference
from huskies.errors import HuskyError
from huskies.model import answers, fetched, folder, given_photos, predict, printed
from huskies.model.folder import Model

NAME = "inbox.csv"
COLUMNS = ["file", "label", "probability", "distance", "nearest", "remark"]
# How rarely photos like one's own are said to be unlike them.
LEVEL = 0.01
# Photos from which on anything can be said of all of them.
_FEW = 5


@dataclass(frozen=True)
class Row:
    """A photo of the inbox, as its line in the table has it; distance: to the nearest photo, 0 to 1, or nan."""

    file: str
    label: str
    probability: float | None
    distance: float
    nearest: str
    remark: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `huskies inbox` takes to its parser."""
    parser.add_argument("folder", type=Path, help="the folder of new photos, which gets inbox.csv")
    parser.add_argument("--model", default="data/final", help="the classifier: a folder, or repository@revision")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="photos at once")


def remark(answer: answers.Answer, same: str) -> str:
    """Return what is odd about a photo, or the empty string; same: the photo that it is, where there is one."""
    if answer.reason:
        return f"{printed.NOT_READ}: {answer.reason}"
    if same:
        return f"the same picture as {same}"
    return "" if answer.accepted else printed.NONE_OF_THESE


def oddest_first(rows: list[Row]) -> list[Row]:
    """Return the rows: first what has a remark, then the least sure; of equals, in the order of their names."""
    return sorted(rows, key=lambda row: (not row.remark, row.probability or 0.0, row.file))


def unlike(new: np.ndarray, own: np.ndarray) -> float:
    """Return how likely new photos would lie so far from those trained on if they were like them: a p-value.

    new: the distance of each new photo to the nearest one trained on. own: that of each photo trained on to the nearest
    other one. By the test of Mann and Whitney, one-sided, which asks nothing of how distances are spread.
    """
    # Every command imports this module, and few need what takes a while to import.
    from scipy import stats

    return float(stats.mannwhitneyu(new, own, alternative="greater").pvalue)


def sentence(new: np.ndarray, own: np.ndarray) -> str:
    """Return in words whether new photos are like those that were trained on; arguments as for `unlike`."""
    if len(new) < _FEW:
        return f"Of fewer than {_FEW} new photos it cannot be said whether they are like those it was trained on."
    p = unlike(new, own)
    far = (
        f"they are {np.median(new):.3g} away from the nearest one, and those {np.median(own):.3g} from the nearest "
        "other one (medians)"
    )
    if p >= LEVEL:
        return f"The new photos look like those it was trained on: {far}."
    rarely = "< 0.001" if p < 0.001 else f"= {p:.3f}"
    return (
        f"The new photos do NOT look like those it was trained on (p {rarely}): {far}. Look for another camera, light, "
        "background or subject, and look through every label."
    )


def table(rows: list[Row]) -> str:
    """Return the rows as CSV, as raw reads it: without the photos that cannot be read."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        if row.probability is not None:
            sure, far = f"{row.probability:.4f}", f"{row.distance:.4g}"
            writer.writerow([row.file, row.label, sure, far, row.nearest, row.remark])
    return written.getvalue()


def look(model: Model, place: Path, cores: int) -> tuple[list[Row], np.ndarray]:
    """Return a row for each photo of a folder, the oddest first, and the distances of all that could be read."""
    photos = given_photos.find([str(place)])
    # By its bytes in the flow: a photo that was trained on, or an earlier new one.
    seen = dict(zip(model.photos["sha256"], model.photos["source"], strict=True))
    ready = inference.load(model.backbone, cores)
    rows, distances = [], []
    for answer in answers.answer(model, photos, len(photos), cores, 1, 1, ready):
        label, sure = next(iter(answer.labels.items()), ("", None))
        source, _, far = answer.nearest[0] if answer.nearest else ("", "", float("nan"))
        same = seen.get(answer.sha256, "")
        said = remark(answer, same)
        name = str(Path(answer.file).relative_to(place))
        rows.append(Row(name, label, sure, far, source, said))
        if answer.labels and not same:
            seen[answer.sha256] = answer.file
            distances.append(far)
    return oddest_first(rows), np.array(distances)


def run(asked: argparse.Namespace) -> int:
    """Write inbox.csv into the folder and print what it comes to; return the exit status, 0.

    Raises HuskyError where there is no such classifier or folder, where there are no photos in it, and where there is
    an inbox.csv, which somebody may have corrected.
    """
    path = asked.folder / NAME
    if not asked.folder.is_dir():
        raise HuskyError(f"there is no folder {asked.folder}. Name the folder of the new photos.")
    if path.exists():
        raise HuskyError(
            f"{path} is there already, and may have been corrected. Take its photos over, or delete it, and ask again."
        )
    with fetched.at(asked.model) as place:
        model, remarks = predict.at_hand(folder.read(place))
        for line in remarks:
            progress.say(f"inbox: {line}")
        rows, distances = look(model, asked.folder, asked.cores)
        own = model.neighbours.among_themselves()
    try:
        atomic.write(path, table(rows).encode())
    except OSError as error:
        raise HuskyError(f"cannot write {path}: {error.strerror}. Allow it, or free some space.") from None
    odd = [row for row in rows if row.remark]
    print(f"{len(rows)} photos, {len(odd)} of them with a remark. Look through {path}, which has the oddest first.")
    for row in odd[:10]:
        print(f"  {row.file}: {row.remark}")
    print(sentence(distances, own))
    return 0
